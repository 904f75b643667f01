"""From a file of any format to rows of named cells."""
