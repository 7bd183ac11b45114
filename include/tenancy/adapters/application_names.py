"""Names of our sessions in pg_stat_activity, for code that has to recognise them."""

from typing import Final

UNWINDER: Final = "tenancy unwind"
"""A session that unwinds. Its generation follows: only a newer generation evicts it."""
