"""The ledger: the append-only store of facts, and its projections. The only package that knows the tables."""
