"""The application that the plugin mounts at /tenancy."""

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from tenancy.console.airflow_auth import authenticate
from tenancy.console.api.app import create_api
from tenancy.console.engine_watch import engine_watch
from tenancy.console.health_watch import HealthWatch
from tenancy.console.metrics import create_metrics
from tenancy.console.pages.app import create_pages
from tenancy.console.services import Services
from tenancy.engine.health.health_check_runner import HealthCheckRunner
from tenancy.ledger.ledger import utc_now
from tenancy.shared_parts import shared_probes, shared_tenancy


def create_console() -> Starlette:
    """Everything below /tenancy. It opens no connection: each request does."""
    health = HealthWatch(HealthCheckRunner(shared_probes, utc_now))
    services = Services(shared_tenancy, utc_now, engine_watch(shared_tenancy), health=health)
    pages = create_pages(services, authenticate)
    return Starlette(
        routes=[
            Route("/api/v1/docs", pages),  # rendered by the console, behind its login
            Mount("/api/v1", create_api(services, authenticate)),
            Route("/metrics", create_metrics(services, authenticate)),
            Mount("/", pages),
        ]
    )
