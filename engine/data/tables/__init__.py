"""Tables of results from elsewhere: read rightly, or refused with what to do."""
