"""What the routes need; app.py or a test puts it together."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tenancy.adapters.session_pool import SessionPool
from tenancy.console.engine_watch import EngineWatch
from tenancy.console.health_watch import HealthWatch
from tenancy.console.request_limits import RequestLimit, read_limit, write_limit
from tenancy.engine.engine_report import EngineReport
from tenancy.engine.health.check_results import Health
from tenancy.engine.tenancy import Tenancy


@dataclass(frozen=True)
class Services:
    """The platform, made when it is first needed, the clock, and what one api-server shares among all requests."""

    tenancy: Callable[[], Tenancy]
    clock: Callable[[], datetime]
    engine: EngineWatch = field(default_factory=lambda: EngineWatch(EngineReport))
    """The status of the workflow engine; without one, all is well."""
    lending: SessionPool = field(default_factory=SessionPool)
    """Idle ledger sessions, for reading."""
    health: HealthWatch = field(default_factory=lambda: HealthWatch(Health))
    """The health of all systems; without one, nothing is known."""
    writes: RequestLimit = field(default_factory=write_limit)
    reads: RequestLimit = field(default_factory=read_limit)
    """The limits of one api-server, which the pages and the API share."""
