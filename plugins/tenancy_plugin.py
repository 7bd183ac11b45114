"""Registers Tenancy with Airflow, and does nothing else.

Every Airflow process executes this file, every task included: it imports nothing heavy. The console is imported at
its first request, in the api-server only.
"""

import asyncio
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from tenancy.orchestration import deadline, listener, run_starts

# For runs that are started by REST in the api-server. airflow_local_settings.py does the same for Airflow's CLI.
run_starts.install()

_loaded: list[Any] = []
_first = asyncio.Lock()


def _load() -> Any:
    from tenancy.console.app import create_console

    return create_console()


async def _console(scope: Any, receive: Any, send: Any) -> None:
    if not _loaded:
        async with _first:  # after a restart all open pages ask at once: one request loads the console, the others wait
            if not _loaded:
                _loaded.append(await asyncio.to_thread(_load))
    await _loaded[0](scope, receive, send)


class TenancyPlugin(AirflowPlugin):
    """The console and the JSON API below /tenancy; the listener that notices runs that somebody marked failed."""

    name = "tenancy"
    fastapi_apps = ({"name": "Tenancy", "app": _console, "url_prefix": "/tenancy"},)
    external_views = [  # noqa: RUF012 - Airflow takes views with a route that is taken off this very list
        {"name": "Tenants", "href": "tenancy/", "destination": "nav", "url_route": "tenants", "nav_top_level": True},
        {
            "name": "Provisioning timeline",
            "href": "tenancy/runs/{DAG_ID}/{RUN_ID}",
            "destination": "dag_run",
            "url_route": "provisioning-timeline",
        },
    ]
    listeners = (listener,)
    deadline_references = (deadline.RunMade,)
