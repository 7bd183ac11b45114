"""Faults that people and tests set on purpose, of the kinds in `catalogue.py`.

Nothing in the product knows of them. The cluster emulator keeps its own; those of PostgreSQL and Airflow are real
states of real servers (`effects.py`), recorded in the sandbox's home (`records.py`). The command line, tests and `down`
use `client.py`.
"""
