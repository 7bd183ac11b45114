"""What makes objects come true: one small controller a file, run by `manager.py` from the store's events."""
