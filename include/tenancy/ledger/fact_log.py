"""One log line for each recorded fact, for people who read logs. Called by ledger.py once the facts are committed.

The ledger is the record; these lines help to debug. Airflow 3.3.2 drops `extra` from the standard library's records
(airflow/_shared/logging/structlog.py has no ExtraAdder), so each line states its fields in its text, too.
docs/reference/logs.md describes the fields and the levels.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from typing import Any, Final

from tenancy.ledger.envelope import Envelope
from tenancy.saga import facts as f
from tenancy.saga.names import PLATFORM_STREAM
from tenancy.saga.tenant import Saga

log = logging.getLogger(__name__)

_WARNING: Final = (f.ActivityFailed, f.CompensationFailed, f.ProvisioningFailed, f.ResourceFoundAgain, f.HolderEvicted)
"""Something failed, and the engine continues by itself."""
_ERROR: Final = (f.UnwindingExhausted, f.ProvisioningStalled)
"""It needs a person."""
_ACTIONS: Final[dict[type[f.Fact], str]] = {
    f.ProvisioningRequested: "create",
    f.CancelRequested: "cancel",
    f.RunReset: "reset",
    f.RetryRequested: "retry",
    f.DecommissionRequested: "decommission",
    f.Escalated: "escalate",
    f.InvitationShown: "show invitation",
    f.InvitationRenewed: "renew invitation",
    f.NoteAdded: "note",
}
"""The requested action, for facts that do not name it themselves."""


def log_facts(saga: Saga | None, envelopes: Iterable[Envelope]) -> None:
    """Log these facts; `saga` is the tenant after them, None for the platform's own stream."""
    for envelope in envelopes:
        level = level_of(envelope.fact)
        if log.isEnabledFor(level):
            _log(level, fields_of(saga, envelope), getattr(envelope.fact, "message", ""))


def level_of(fact: f.Fact) -> int:
    """ERROR: it needs a person. WARNING: something failed or is held. INFO: all else, refusals included."""
    if isinstance(fact, _ERROR) or (isinstance(fact, f.ProvisioningFailed) and fact.retained):
        return logging.ERROR
    if isinstance(fact, _WARNING) or (isinstance(fact, f.RunHeld) and fact.message):
        return logging.WARNING
    return logging.INFO


def fields_of(saga: Saga | None, envelope: Envelope) -> dict[str, Any]:
    """A line's fields. Empty where the fact has none; no parameters, no reasons: people type anything there."""
    fact = envelope.fact
    return {
        "fact": fact.kind,
        "slug": saga.parameters.slug if saga else getattr(fact, "slug", ""),
        "tenant_id": "" if envelope.stream == PLATFORM_STREAM else str(envelope.stream),
        "attempt": envelope.attempt,
        "seq": envelope.seq,
        "activity": _activity(saga, fact),
        "action": getattr(fact, "action", "") or _ACTIONS.get(type(fact), ""),
        "actor": envelope.stamp.actor,
    }


def _activity(saga: Saga | None, fact: f.Fact) -> str:
    """The fact's own, or the one that makes the resource which the fact is about."""
    named = getattr(fact, "activity", None)
    if named or saga is None:
        return named or ""
    of = (getattr(fact, "resource", None), getattr(fact, "name", None))
    return next((each.activity for each in saga.resources if (each.kind, each.name) == of), "")


def _log(level: int, fields: dict[str, Any], message: str) -> None:
    log.log(level, "%s%s", " ".join(_parts(fields)), f": {_on_one_line(message)}" if message else "", extra=fields)


def _parts(fields: dict[str, Any]) -> Iterator[str]:
    yield fields["fact"]
    yield from (f"{name}={_quoted(value)}" for name, value in fields.items() if name != "fact" and value != "")


def _quoted(value: Any) -> str:
    text = _on_one_line(str(value))
    return json.dumps(text, ensure_ascii=False) if " " in text or '"' in text else text


def _on_one_line(text: str) -> str:
    """Messages quote outside systems and callers: none may write a line of its own."""
    return "".join(each if each.isprintable() else " " for each in text)
