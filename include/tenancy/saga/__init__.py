"""The law: what a tenant's saga is and what may happen to it. Pure; standard library only; no clock, no I/O.

`decide(saga, command) -> facts | raises Refused` and `evolve(saga, fact) -> saga` are the only two ways in.
"""
