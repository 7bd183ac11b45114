"""Faults: what is made to go wrong on purpose, from outside, so that every stall of the runbook can be played.

Nothing in the product knows of them. Those of the cluster live in the cluster itself (`cluster.py` asks it); those of
PostgreSQL and of Airflow are real states of real servers (`effects.py`), remembered in the sandbox's home (`book.py`).
`client.py` is where the command line, tests and `down` come to.
"""
