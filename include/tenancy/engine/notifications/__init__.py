"""Alerts: when one is raised, what it says, how it is delivered."""
