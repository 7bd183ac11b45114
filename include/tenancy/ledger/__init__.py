"""The memory: facts in, sagas and timelines out. The only floor that knows the ledger's database."""
