"""What a run takes: the work it consists of, what this machine needs for a unit of it, and their product."""
