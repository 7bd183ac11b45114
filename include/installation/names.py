"""The databases we make. Each is owned by the role of the same name."""

from typing import Final

AIRFLOW: Final = "airflow"
LEDGER: Final = "ledger"
STORAGE_ADMIN: Final = "storage_admin"
