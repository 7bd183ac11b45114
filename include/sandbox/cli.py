"""The command line: `python -m sandbox up | down | status | fault | demo`.

It reads arguments, calls `lifecycle` and `status`, and turns a SandboxError into one sentence and exit code 1.
A new subcommand is a function here and its entry in `_parser`.
"""

import argparse
import errno
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from sandbox import lifecycle, ports, status
from sandbox.airflow_env import PROFILES, AirflowOptions
from sandbox.executors import EXECUTORS
from sandbox.faults import arguments as fault_arguments
from sandbox.layout import HOME_VARIABLE, Layout
from sandbox.problems import SandboxError
from sandbox.progress import ProgressReporter

# Failures that a person at the machine can fix. Any other is a defect of ours and keeps its traceback.
_OF_THE_MACHINE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOTDIR, errno.EACCES, errno.EPERM)

Run = Callable[[argparse.Namespace, Layout], int]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    layout = Layout.find(options.home)
    try:
        answer: int = options.run(options, layout)
    except SandboxError as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        print(
            f"sandbox: {error.strerror}: {error.filename or layout.home}; see to that and try again.", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print("sandbox: interrupted; `up` continues from here, `down` stops what runs.", file=sys.stderr)
        return 130
    return answer


def _up(options: argparse.Namespace, layout: Layout) -> int:
    airflow_options = AirflowOptions(profile=options.profile, dags_folder=options.dags, executor=options.executor)
    lifecycle.up(
        layout, airflow_options=airflow_options, usual_ports=not options.free_ports, progress=ProgressReporter()
    )
    api = ports.recorded(layout.ports)["api"]
    print(f"Airflow: http://{ports.HOST}:{api} (users and passwords: {layout.secrets})")
    return 0


def _down(options: argparse.Namespace, layout: Layout) -> int:
    if options.purge and not options.yes and not _confirmed(layout):
        print("Nothing was deleted.")
        return 1
    lifecycle.down(layout, purge=options.purge, progress=ProgressReporter())
    return 0


def _status(options: argparse.Namespace, layout: Layout) -> int:
    parts = status.read_status(layout)
    if options.json:
        print(json.dumps(status.as_json(parts), indent=2))
    else:
        Console().print(status.as_table(parts))
    return 0 if status.all_healthy(parts) else 1


def _fault(options: argparse.Namespace, layout: Layout) -> int:
    # Imported here, because `status` and `up` must not pay for these imports.
    from sandbox.faults.commands import run

    return run(options, layout)


def _demo(options: argparse.Namespace, layout: Layout) -> int:
    # Imported here, because `status` and `up` must not pay for these imports.
    from sandbox.demo import Request, run

    request = Request(
        slug=options.slug,
        name=options.name or options.slug.replace("-", " ").title(),
        plan=options.plan,
        region=options.region,
        admin_email=options.email or f"admin@{options.slug}.example",
        wait=not options.no_wait,
    )
    return run(request, layout, Console(highlight=False, soft_wrap=True))


def _confirmed(layout: Layout) -> bool:
    print(f"This deletes every tenant, user, password and log of the sandbox in {layout.home}, for good.")
    if not sys.stdin.isatty():
        print("There is no terminal to confirm at. To confirm: make purge YES=1 (or add --yes).")
        return False
    return input("Type yes to continue: ").strip().lower() == "yes"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="The embedded platform: PostgreSQL, a cluster and Airflow on this machine, on loopback ports only.",
        epilog=f"Everything lies in one folder: --home, else ${HOME_VARIABLE}, else .sandbox in the project.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    up = _command(commands, "up", _up, "start what does not run, heal what is half dead; quick when all is well")
    up.add_argument(
        "--profile",
        choices=PROFILES,
        default="shipped",
        help="Airflow's settings: those Tenancy ships, or stock ones to compare with (default: %(default)s)",
    )
    up.add_argument(
        "--executor",
        choices=EXECUTORS,
        help="who runs tasks: the one scheduler's children, or two Celery workers with two schedulers and Redis "
        "(default: as the last time, local at first)",
    )
    up.add_argument("--dags", type=Path, metavar="DIR", help="another DAG folder than the project's")
    up.add_argument("--free-ports", action="store_true", help="choose any free ports instead of the usual ones")

    down = _command(commands, "down", _down, "stop everything that was started; data stays unless --purge")
    down.add_argument("--purge", action="store_true", help="also delete all data, passwords and logs")
    down.add_argument("--yes", action="store_true", help="do not ask before deleting")

    look = _command(commands, "status", _status, "show each part; exit code 1 unless all are healthy")
    look.add_argument("--json", action="store_true", help="as JSON, for programs")

    fault = _command(
        commands, "fault", _fault, "make something go wrong on purpose, and right again (docs/operating/game-day.md)"
    )
    fault_arguments.add_to(fault)

    demo = _command(commands, "demo", _demo, "bring it up, provision a tenant and show its timeline live")
    demo.add_argument("--slug", default="acme", help="the tenant's short name (default: %(default)s)")
    demo.add_argument("--plan", default="starter", help="see include/sandbox/platform.toml (default: %(default)s)")
    demo.add_argument("--region", default="eu-central", help="likewise (default: %(default)s)")
    demo.add_argument("--name", help="the organisation's name (default: the slug, capitalised)")
    demo.add_argument("--email", help="the tenant admin's address (default: admin@<slug>.example)")
    demo.add_argument("--no-wait", action="store_true", help="leave the sandbox up and return, instead of waiting")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, run: Run, summary: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    command.add_argument("--home", type=Path, metavar="DIR", help="where the sandbox lies")
    command.set_defaults(run=run)
    return command
