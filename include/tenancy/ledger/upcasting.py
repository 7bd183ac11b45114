"""Facts of older versions, read as this version would have written them. Pure; called by envelope.py.

A field with one meaning for all older facts has a default in saga/facts. Here are those whose value an older fact
states in another field. The stored fact stays as it is: its hash covers what was written.
"""

from collections.abc import Mapping
from typing import Any, Final

from tenancy.saga import facts as f

_STOPPED: Final = "Stopped"
_PERMANENT: Final = frozenset({"PermanentError", "ForeignObjectError"})
"""Names of exceptions as the versions up to 0.1 stored them. Renaming an exception changes nothing here."""


def upcast(kind: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of this version, from a fact's stored fields."""
    return _activity_failed(data) if kind == f.ActivityFailed.kind else data


def _activity_failed(data: Mapping[str, Any]) -> Mapping[str, Any]:
    error = data.get("error")
    return {"permanent": error in _PERMANENT, "stopped": error == _STOPPED, **data}
