"""Tests that do what the documentation shows."""
