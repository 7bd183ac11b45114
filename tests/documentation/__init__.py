"""What the documentation shows, done as it says."""
