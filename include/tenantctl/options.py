"""Every option and argument of the commands for tenants once, with its help."""

import math
from pathlib import Path
from typing import Annotated, Any

import click

from tenantctl.parameters import argument, flag, option

_WHERE = "Server and login (also before the command)"
_WAITING = "Waiting"


class _Count(click.IntRange):
    """A whole number in a range."""

    name = "whole number"


class _Seconds(click.FloatRange):
    """A duration. "nan" is not one, but lies in every range."""

    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds. Fails for anything else."""
        seconds = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is not a valid {self.name}.", param, ctx) if math.isnan(seconds) else seconds


Ref = Annotated[str, argument("TENANT", help="The tenant's id or slug.")]
NoteText = Annotated[str, argument("TEXT", help="The note; - reads it from stdin.")]
MaybeRef = Annotated[str | None, argument("TENANT", help="The tenant's id or slug.")]
MaybeSlug = Annotated[str | None, argument("TENANT", help="The new tenant's slug.")]
Settings = Annotated[
    list[str] | None,
    option("--set", metavar="KEY=VALUE", multiple=True, help="A parameter of the product. May be repeated."),
]
RequestFile = Annotated[
    Path | None,
    option(
        "--from",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="A JSON or TOML file with fields of the request.",
    ),
]
ClassId = Annotated[
    int | None, option("--class", metavar="ID", type=_Count(min=1), help="All tenants of this incident group.")
]
AtOnce = Annotated[int, option("--at-once", metavar="N", type=_Count(1, 20), help="With --class: how many at a time.")]
Reason = Annotated[
    str | None, option("--reason", "-m", metavar="TEXT", help="The reason, for the audit log. Asked for if missing.")
]
DryRun = Annotated[bool, flag("--dry-run", "-n", help="Show what it would do, and do nothing.")]
Yes = Annotated[bool, flag("--yes", "-y", help="Do not ask for confirmation (a slug must still be typed).")]
Confirm = Annotated[str | None, option("--confirm", metavar="SLUG", help="The tenant's slug, where it must be typed.")]
Waits = Annotated[bool, flag("--wait", "-w", help="Wait until nothing is left.", heading=_WAITING)]
Timeout = Annotated[
    float,
    option(
        "--timeout",
        metavar="SECONDS",
        type=_Seconds(min=0),
        help="Wait no longer than this (exit code 6).",
        heading=_WAITING,
    ),
]
Force = Annotated[
    bool, flag("--force", help="Reset a running tenant. For platform engineers: it can orphan activities.")
]
Renew = Annotated[bool, flag("--renew", help="Make a new one; the old one becomes invalid.")]
Name = Annotated[str | None, option("--name", help="The organisation's name.")]
Plan = Annotated[str | None, option("--plan", help="One of the platform's plans.")]
Product = Annotated[str | None, option("--product", help="One of the platform's products.")]
Region = Annotated[str | None, option("--region", help="One of the platform's regions.")]
Email = Annotated[str | None, option("--admin-email", "--email", metavar="ADDRESS", help="The tenant admin's address.")]
State = Annotated[str | None, option("--state", help="Such as Provisioning, Failed or Active.")]
Substate = Annotated[str | None, option("--substate", help="Such as unwinding, settled, ready or stuck.")]
Attention = Annotated[bool, flag("--attention", "-a", help="Only tenants that need a person.")]
Search = Annotated[
    str | None,
    option("--search", "-q", metavar="TEXT", help="The beginning of a slug, an id or a word of the name."),
]
Limit = Annotated[int, option("--limit", metavar="N", type=_Count(1, 200), help="The most to show.")]
FactsLimit = Annotated[int, option("--limit", metavar="N", type=_Count(1, 1000), help="The most to show.")]
Cursor = Annotated[str | None, option("--cursor", help="Continue after the list that gave this cursor.")]
After = Annotated[int, option("--after", metavar="SEQ", type=_Count(min=0), help="Only facts after this one.")]

Url = Annotated[
    str | None,
    option(
        "--url",
        metavar="ADDRESS",
        help="Airflow's address (TENANCY_URL). Default: this project's sandbox.",
        heading=_WHERE,
    ),
]
User = Annotated[
    str | None, option("--user", metavar="NAME", help="The user who logs in (TENANCY_USER).", heading=_WHERE)
]
Password = Annotated[
    str | None,
    option(
        "--password",
        metavar="TEXT",
        help="Other users can read it here: prefer TENANCY_PASSWORD, or be asked.",
        heading=_WHERE,
    ),
]
Token = Annotated[
    str | None, option("--token", metavar="JWT", help="Instead of a login (TENANCY_TOKEN).", heading=_WHERE)
]
Json = Annotated[bool, flag("--json", help="Print the API's JSON on stdout, and nothing else.", heading=_WHERE)]
