"""Airflow auth managers that Tenancy supports: those whose permissions mean what the console assumes.

The console checks permissions on DAG runs and, for a forced reset, `can_edit on Plugins`. Another manager may decide by
other rules: Airflow's SimpleAuthManager lets every viewer force.
"""

from typing import Final

from tenancy.saga.errors import PlatformError

FAB: Final = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
SETTING: Final = "AIRFLOW__CORE__AUTH_MANAGER"


def refusal_of(manager: type) -> str | None:
    """Why Tenancy does not run with this auth manager, as a sentence; None for FAB's and what is derived from it."""
    if FAB in {f"{each.__module__}.{each.__qualname__}" for each in manager.__mro__}:
        return None
    return (
        f"Tenancy does not know what the permissions of Airflow's auth manager {manager.__module__}."
        f"{manager.__qualname__} mean, so it cannot tell who may cancel, decommission or force. Set {SETTING}={FAB}, "
        "or derive your auth manager from that class."
    )


def require_known(manager: type) -> None:
    """PlatformError unless the permissions of this auth manager are known."""
    refusal = refusal_of(manager)
    if refusal:
        raise PlatformError(refusal)
