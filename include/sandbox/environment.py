"""The environment daemons inherit from the shell: without what would change how Airflow or PostgreSQL behave."""

import os
from typing import Final

_MISLEADING: Final = ("AIRFLOW", "PG", "PYTHON", "TENANCY_")


def inherited() -> dict[str, str]:
    """This shell's variables, less those of other installations.

    PYTHONDONTWRITEBYTECODE is among them: with it every start would compile all modules again. A proxy must not
    be asked for our own loopback addresses.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_MISLEADING)}
    bypass = ",".join(part for part in (os.environ.get("NO_PROXY", ""), "127.0.0.1,localhost") if part)
    return kept | {"NO_PROXY": bypass, "no_proxy": bypass}
