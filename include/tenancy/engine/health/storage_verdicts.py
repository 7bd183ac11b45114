"""Health verdicts on a region's storage server: can tenants' databases be created, isolated and dropped there? Pure."""

from typing import TYPE_CHECKING

from tenancy.engine.health.check_results import CheckResult, Condition, System
from tenancy.engine.health.verdicts import Verdict, server, server_measurements, sessions
from tenancy.saga.causes import Cause
from tenancy.saga.platform import Region

if TYPE_CHECKING:  # psycopg behind it is heavy
    from tenancy.adapters.storage_health import OpenDatabase, StorageStatus
    from tenancy.adapters.storage_rights import MissingRight

_NAMED = 3
"""How many databases a sentence names."""


def storage(region: Region, observation: "StorageStatus") -> CheckResult:
    """The worst problem: what stops work comes before what endangers it."""
    vital = [each for each in observation.missing if each.vital]
    state, sentence = (
        (_rights(vital, observation.admin, Condition.DOWN) if vital else None)
        or server(observation.server)
        or (_rights(observation.missing, observation.admin, Condition.DEGRADED) if observation.missing else None)
        or (_open(observation.open_databases) if observation.open_databases else None)
        or (Condition.OK, f"It responds; {sessions(observation.server)}.")
    )
    counted = {
        "databases": observation.server.databases,
        "rights_missing": len(observation.missing),
        "databases_open_to_tenants": len(observation.open_databases),
    }
    refuses = Cause.STORAGE_PERMISSION if vital else Cause.STORAGE_READ_ONLY
    cause = refuses if state is Condition.DOWN else Cause.UNKNOWN
    return CheckResult(
        System.STORAGE,
        state,
        sentence,
        region.name,
        measured=server_measurements(observation.server) | counted,
        cause=cause,
    )


def _rights(missing: "list[MissingRight] | tuple[MissingRight, ...]", admin: str, state: Condition) -> Verdict:
    purposes = " and ".join(each.purpose for each in missing)
    names = ", ".join(each.name for each in missing)
    statements = " ".join(_statement(each) for each in missing)
    then = " No tenant can be given storage." if state is Condition.DOWN else ""
    return state, (
        f"The role {admin} may not {purposes}: it lacks {names}.{then} "
        f"As a superuser, or a role that may grant it: {statements}"
    )


def _statement(missing: "MissingRight") -> str:
    more = f" (and the same for {missing.count - 1} more roles)" if missing.count > 1 else ""
    return f"{missing.statement};{more}"


def _open(databases: "tuple[OpenDatabase, ...]") -> Verdict:
    named = ", ".join(dict.fromkeys(each.name for each in databases[:_NAMED]))
    more = f" and {len(databases) - _NAMED} more" if len(databases) > _NAMED else ""
    statements = " ".join(each.statement for each in databases[:_NAMED])
    who = "" if all(each.may_close for each in databases[:_NAMED]) else "As the owner of the database or a superuser: "
    return Condition.DEGRADED, (
        f"Tenants' roles can connect to more than their own database: {named}{more}. There they can hold locks, fill "
        f"the disk and keep their roles from being dropped. {who}{statements}"
    )
