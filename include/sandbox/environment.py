"""The environment that daemons inherit from the shell, without variables that change Airflow or PostgreSQL."""

import os
from typing import Final

_MISLEADING: Final = ("AIRFLOW", "PG", "PYTHON", "SLIPCOVER_", "TENANCY_")


def inherited() -> dict[str, str]:
    """This shell's variables without those of other installations, and without those of a measurement of coverage.

    PYTHONDONTWRITEBYTECODE is removed, because every start would compile all modules again. Loopback addresses bypass
    a proxy.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_MISLEADING)}
    bypass = ",".join(part for part in (os.environ.get("NO_PROXY", ""), "127.0.0.1,localhost") if part)
    return kept | {"NO_PROXY": bypass, "no_proxy": bypass}
