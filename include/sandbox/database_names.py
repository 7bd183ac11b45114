"""The databases of the sandbox: those of every installation."""

from installation.role_names import AIRFLOW, LEDGER, STORAGE_ADMIN

__all__ = ["AIRFLOW", "LEDGER", "STORAGE_ADMIN"]
