"""The domain model: what a tenant's saga is, and which changes of it are allowed.

Pure functions and frozen values: standard library only, no clock, no I/O. There are two entry points:
`decide(saga, command)` returns the facts that a command causes, or raises Refused; `evolve(saga, fact)` returns the
saga after a fact. Comments in this package call the rules in `decide` "the rules".
"""
