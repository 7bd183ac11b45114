"""`python -m sandbox.revived <airflow arguments>`: Airflow's command, begun anew when it ends by an error of its own.

As a service manager or `restart: unless-stopped` does: Airflow 3.3.2's triggerer, for one, dies when a run is cleared
in the moment in which the event of its wait is stored (docs/operating/maintenance.md). It stays the
same process, so `up` and `down` need to know nothing of this. What fails at its
start is not begun anew: `up` shows its log.
"""

import os
import sys
import time
import traceback
from typing import Final

STARTING_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 1.0


def main(starting_seconds: float = STARTING_SECONDS) -> None:
    """Ends as Airflow's command does, unless that had long been at work and ends by an error."""
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
    from airflow.__main__ import main as airflow  # what its import raises is its end, too

    airflow()


if __name__ == "__main__":
    main()
