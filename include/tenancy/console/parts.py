"""What the routes need, joined by app.py (or by a test)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tenancy.engine.tenancy import Tenancy
from tenancy.engine.vitals import Vitals


@dataclass(frozen=True)
class Parts:
    """The platform's parts, joined when asked for, and the clock."""

    tenancy: Callable[[], Tenancy]
    clock: Callable[[], datetime]
    engine: Callable[[], Vitals] = Vitals
    """How the workflow engine is, as last seen."""
