"""How our sessions name themselves in pg_stat_activity, where others have to recognise them."""

from typing import Final

UNWINDER: Final = "tenancy unwind"
"""A session that unwinds, its generation behind it: only a newer generation evicts it."""
