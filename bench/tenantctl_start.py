"""How long `tenantctl list` takes beside the request that it sends.

`make bench-tenantctl` runs it, on a small API of its own or on the one at TENANCY_URL with TENANCY_TOKEN. The bare
request is a new Python process that imports httpx, without httpx's own command line, and sends it with a token. The
programs take turns, so that other work on the machine slows all of them.
"""

import argparse
import os
import pty
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenancy_server import serve
from tests.contract.fake_tenant import FakeTenant

_MOST_RATIO = 1.5
"""The target, for output into a pipe."""
_TENANTCTL = str(Path(sys.executable).with_name("tenantctl"))
_REQUEST = """
import os, sys
sys.modules["httpx._main"] = None
import httpx
url = os.environ["TENANCY_URL"].rstrip("/") + "/tenancy/api/v1/tenants"
httpx.get(url, headers={"Authorization": "Bearer " + os.environ["TENANCY_TOKEN"]}).raise_for_status()
"""
_PROGRAMS = {
    "a bare request": [sys.executable, "-c", _REQUEST],
    "tenantctl list": [_TENANTCTL, "list"],
    "tenantctl list --json": [_TENANTCTL, "list", "--json"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    with _address() as environ:
        seconds = _measure(runs, environ)
    bare = seconds["a bare request"]
    for name, taken in seconds.items():
        print(f"  {name:<28} {taken * 1000:4.0f} ms, {taken / bare:4.2f} times")
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"median of {runs} runs, {os.cpu_count()} cores, load {load}")
    met = seconds["tenantctl list"] / bare <= _MOST_RATIO
    print(
        f"{'met' if met else 'MISSED'}: `tenantctl list` takes at most {_MOST_RATIO:g} times as long as a bare request"
    )


@contextmanager
def _address() -> Iterator[dict[str, str]]:
    """The environment with address and token: those that are given, or those of an API of our own."""
    # Without compiled modules each start compiles all of them.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if environ.get("TENANCY_URL") and environ.get("TENANCY_TOKEN"):
        yield environ
        return
    with serve(FakeTenancy(*(FakeTenant(f"tenant-{number}", "Active") for number in range(20)))) as url:
        yield {**environ, "TENANCY_URL": url, "TENANCY_TOKEN": "token"}


def _measure(runs: int, environ: dict[str, str]) -> dict[str, float]:
    """The median of each, in seconds. The first run of each is left out: it may have to compile modules."""
    ways: dict[str, Callable[[], float]] = {
        name: partial(_seconds_in_pipe, program, environ) for name, program in _PROGRAMS.items()
    }
    ways["tenantctl list, terminal"] = partial(_seconds_on_terminal, [_TENANTCTL, "list"], environ)
    rounds = [{name: run() for name, run in ways.items()} for _ in range(runs + 1)][1:]
    return {name: statistics.median(each[name] for each in rounds) for name in ways}


def _seconds_in_pipe(program: Sequence[str], environ: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(program, env=environ, stdout=subprocess.PIPE, check=True)
    return time.perf_counter() - began


def _seconds_on_terminal(program: Sequence[str], environ: dict[str, str]) -> float:
    mine, its = pty.openpty()
    try:
        began = time.perf_counter()
        subprocess.run(program, env=environ, stdout=its, check=True)
        return time.perf_counter() - began
    finally:
        os.close(mine)
        os.close(its)


if __name__ == "__main__":
    main()
