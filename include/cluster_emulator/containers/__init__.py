"""Runs containers for real: a local program in the place of an image."""
