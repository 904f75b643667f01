"""What is said of a table from elsewhere: what was understood, the checks of its runs, the command that repeats it."""
