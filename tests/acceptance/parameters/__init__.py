"""A product with parameters of its own, in a sandbox of its own."""
