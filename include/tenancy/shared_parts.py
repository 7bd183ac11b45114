"""The parts of the platform, shared by all checks of one triggerer and all requests of one api-server.

Hundreds of waiting tasks share one client per region. Connections are read again every MINUTE, so that a changed
connection or key is noticed.
"""

import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenancy.engine.health.health_checks import Probes
    from tenancy.engine.tenancy import Tenancy

MINUTE = 60.0

_lock = threading.Lock()


def shared_tenancy() -> "Tenancy":
    """As bootstrap joins it, with one client for each region."""
    with _lock:  # lru_cache alone would let several threads join it at once
        return _joined(int(time.monotonic() / MINUTE))


@lru_cache(maxsize=1)
def _joined(_minute: int) -> "Tenancy":
    from tenancy.bootstrap import tenancy

    return tenancy()


def shared_probes() -> "Probes":
    """The health checks of each system. Connections are read once in MINUTE seconds, not for each check."""
    with _lock:
        return _probes(int(time.monotonic() / MINUTE))


@lru_cache(maxsize=1)
def _probes(_minute: int) -> "Probes":
    from tenancy.probes import probes

    return probes()
