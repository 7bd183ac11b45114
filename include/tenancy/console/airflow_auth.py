"""The console's only file that knows Airflow: whose token or cookie a request carries, and what they may do.

Its functions are Airflow's internal ones (3.3.2; tests/console guards them). A permission means what it means in
Airflow's own REST API, on the DAG of the saga.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from starlette.exceptions import HTTPException
from starlette.requests import Request

from tenancy.airflow_settings import FORCE
from tenancy.auth_manager import require_known
from tenancy.console.callers import Caller, NotAuthenticated, Right
from tenancy.saga.errors import TransientError

READ_TIMEOUT_SECONDS: Final = 1.2
"""For what is asked again every few seconds, as pages do."""
WRITE_TIMEOUT_SECONDS: Final = 5.0
"""For what a person did once: on a busy machine a refusal costs them more than a wait."""
_threads = ThreadPoolExecutor(4, thread_name_prefix="tenancy-login")
"""When Airflow's database hangs, all four hang; the next request waits for its time-out, too."""
_DAG: Final = DagDetails(id="tenant_provisioning")
_METHODS: Final = {Right.READ: "GET", Right.CREATE: "POST", Right.EDIT: "PUT"}


async def authenticate(request: Request) -> Caller:
    """The request's user, by bearer token or else by Airflow's cookie; NotAuthenticated when there is none.

    Airflow would read its database in the event loop and block it. Here a thread does so, for a bounded time;
    TransientError when that is too short. For a cookie Airflow's own middleware has read it already, without a bound
    (docs/reference/known-limits.md). PlatformError when Airflow's auth manager is not one whose rights we know.
    """
    require_known(type(get_auth_manager()))
    authenticating = asyncio.get_running_loop().run_in_executor(_threads, _authenticate, request)
    seconds = READ_TIMEOUT_SECONDS if request.method in {"GET", "HEAD"} else WRITE_TIMEOUT_SECONDS
    try:
        return await asyncio.wait_for(authenticating, seconds)
    except TimeoutError as timeout:
        raise TransientError(
            f"Airflow did not identify the caller within {seconds:g} s: its database hangs, or its machine is"
            " overloaded. Nothing was done."
        ) from timeout


def _authenticate(request: Request) -> Caller:
    try:
        user = asyncio.run(_user(request))
    except HTTPException as error:
        # Airflow answers 403 to a token that is no token; it is not known who that is, so for us it is 401.
        raise NotAuthenticated(error.detail) from error
    return _caller(user)


async def _user(request: Request) -> Any:
    return await get_user(request, None, await bearer_scheme(request))


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
