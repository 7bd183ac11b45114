"""The trades: one file a kind of work, and plan.py with their order. They use adapters through what they are given."""
