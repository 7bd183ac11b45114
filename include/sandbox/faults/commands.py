"""`python -m sandbox fault list | set | clear`: arguments in, tables or JSON out."""

import argparse
import json
from dataclasses import asdict
from typing import Any, Final

from sandbox.faults import catalogue
from sandbox.faults.client import FaultClient, FaultStatus
from sandbox.layout import Layout
from sandbox.problems import SandboxError

_STATES: Final = {True: "in effect", False: "no longer in effect", None: "cannot be seen now"}
_NARROWING: Final = ("namespace", "tenant", "region", "on")
_OPTIONS: Final = (*_NARROWING, "seconds", "milliseconds", "retry_after", "resource", "verb", "message")


def run(options: argparse.Namespace, layout: Layout) -> int:
    if not layout.ports.exists():
        raise SandboxError(f"There is no sandbox in {layout.home}; `python -m sandbox up` makes one.")
    fault_client = FaultClient(layout)
    if options.action == "set":
        _show([fault_client.set(options.kind, **_given(options))], as_json=options.json)
    elif options.action == "clear":
        _clear(fault_client, options)
    else:
        _show(fault_client.list(), as_json=options.json)
    return 0


def _clear(fault_client: FaultClient, options: argparse.Namespace) -> None:
    if bool(options.id) == options.all:
        raise SandboxError("Give a fault's ID (see `fault list`), or --all.")
    gone = fault_client.clear(options.id or "")
    print(json.dumps(gone) if options.json else f"Cleared: {', '.join(gone) or 'nothing was set'}.")


def _given(options: argparse.Namespace) -> dict[str, Any]:
    given = {name: getattr(options, name) for name in _OPTIONS if getattr(options, name) is not None}
    if "on" in given:
        given["on"] = given["on"].split(",")
    return given


def _show(faults: list[FaultStatus], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(fault) for fault in faults], indent=2))
    elif not faults:
        print("No fault is set.")
    else:
        for fault in faults:
            print(_line(fault))


def _line(fault: FaultStatus) -> str:
    options = "".join(f", {name} {_text(value)}" for name, value in fault.options.items())
    state = f"{_STATES[fault.in_effect]}: {catalogue.BY_NAME[fault.kind].effect}{options}"
    return f"{fault.id}  {fault.kind:<20} {fault.on:<24} {state}"


def _text(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)
