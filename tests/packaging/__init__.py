"""The distribution: built and installed as a user would, without this checkout."""
