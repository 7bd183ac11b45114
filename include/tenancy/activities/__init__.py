"""The activities: one module each, and plan.py with their order. They reach outside systems only through their
context."""
