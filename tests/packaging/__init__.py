"""The distribution: built and installed as a user would, beside nothing of this checkout."""
