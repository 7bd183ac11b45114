"""What the routes need, joined by app.py (or by a test)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tenancy.adapters.session_pool import SessionPool
from tenancy.console.engine_watch import EngineWatch
from tenancy.console.health_watch import HealthWatch
from tenancy.console.request_limits import RequestLimit, read_limit, write_limit
from tenancy.engine.engine_report import EngineReport
from tenancy.engine.health import Health
from tenancy.engine.tenancy import Tenancy


@dataclass(frozen=True)
class Parts:
    """The platform's parts, joined when asked for, and the clock."""

    tenancy: Callable[[], Tenancy]
    clock: Callable[[], datetime]
    engine: EngineWatch = field(default_factory=lambda: EngineWatch(EngineReport))
    """How the workflow engine is; without one, all is well."""
    lending: SessionPool = field(default_factory=SessionPool)
    """Sessions of the ledger, for looking."""
    health: HealthWatch = field(default_factory=lambda: HealthWatch(Health))
    """How all systems are; without one, nothing is known."""
    writes: RequestLimit = field(default_factory=write_limit)
    reads: RequestLimit = field(default_factory=read_limit)
    """The limits of one api-server, which the pages and the API share."""
