"""`python -m sandbox.restart_on_error <airflow arguments>`: Airflow's command, restarted when it ends with an error.

A service manager or `restart: unless-stopped` does the same. Airflow 3.3.2's triggerer, for one, dies when a run is
cleared while the event of its wait is being stored. The process keeps its id, so `up` and `down` need not know of a
restart. A command that fails while it starts is not started again: `up` shows its log.
"""

import os
import sys
import time
import traceback
from typing import Final

STARTING_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 1.0


def main(starting_seconds: float = STARTING_SECONDS) -> None:
    """End as Airflow's command does, unless it ends with an error after it had started."""
    began, ours = time.monotonic(), os.getpid()
    try:
        _airflow()
    except Exception:
        if os.getpid() != ours or time.monotonic() - began < starting_seconds:
            raise
        traceback.print_exc()
        print("sandbox: ended by the error above, and is started again", file=sys.stderr, flush=True)
        sys.stdout.flush()
        time.sleep(_PAUSE_SECONDS)
        os.execv(sys.executable, sys.orig_argv)


def _airflow() -> None:
    from airflow.__main__ import main as airflow  # an error of the import counts too

    airflow()


if __name__ == "__main__":
    main()
