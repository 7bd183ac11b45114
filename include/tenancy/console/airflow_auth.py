"""The console's one file that knows Airflow: whose token or cookie a request carries, and what they may do.

Its functions are Airflow's internal ones (3.3.2; tests/console guards them). A permission means what it means in
Airflow's own REST API, on the DAG of the saga.
"""

from typing import Any, Final

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from tenancy.airflow_settings import FORCE
from tenancy.console.callers import Caller, NotAuthenticated, Right

_DAG: Final = DagDetails(id="tenant_provisioning")
_METHODS: Final = {Right.READ: "GET", Right.CREATE: "POST", Right.EDIT: "PUT"}


async def authenticate(request: Request) -> Caller:
    """The request's user, by bearer token or else by Airflow's cookie; NotAuthenticated when there is none."""
    try:
        user = await get_user(request, None, await bearer_scheme(request))
    except HTTPException as error:
        # Airflow answers 403 to a token that is no token; it is not known who that is, so for us it is 401.
        raise NotAuthenticated(error.detail) from error
    return await run_in_threadpool(_caller, user)


def _caller(user: Any) -> Caller:
    return Caller(user.get_name(), frozenset(right for right in Right if _may(user, right)))


def _may(user: Any, right: Right) -> bool:
    manager = get_auth_manager()
    if right is Right.FORCE:
        action, resource = FORCE
        return bool(manager.is_authorized_custom_view(method=action, resource_name=resource, user=user))
    return bool(
        manager.is_authorized_dag(method=_METHODS[right], access_entity=DagAccessEntity.RUN, details=_DAG, user=user)
    )
