"""The commands behind `python main.py`, one file each. `jobs/console.py` says what they are called with."""
