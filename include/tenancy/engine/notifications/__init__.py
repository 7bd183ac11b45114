"""Alerts: when one is raised, its text, and its delivery."""
