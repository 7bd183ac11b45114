"""Several products on one installation, in a sandbox of their own."""
