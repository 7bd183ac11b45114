"""The databases we make and their roles. A database has the name of the role that connects to it."""

from typing import Final

AIRFLOW: Final = "airflow"
LEDGER: Final = "ledger"
LEDGER_OWNER: Final = "ledger_owner"
"""Owns the ledger's database and tables. Nobody can log in as it: the role that writes facts cannot change them."""
STORAGE_ADMIN: Final = "storage_admin"
