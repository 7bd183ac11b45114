"""Every option and argument once, with its help."""

from pathlib import Path
from typing import Annotated

import typer

_WHERE = "Server and login (also before the command)"
_WAITING = "Waiting"

Ref = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's id or slug.", show_default=False)]
MaybeRef = Annotated[
    str | None, typer.Argument(metavar="[TENANT]", help="The tenant's id or slug.", show_default=False)
]
MaybeSlug = Annotated[str | None, typer.Argument(metavar="[TENANT]", help="The new tenant's slug.", show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the product. May be repeated.", show_default=False),
]
RequestFile = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="A JSON or TOML file with fields of the request.", show_default=False),
]
ClassId = Annotated[
    int | None, typer.Option("--class", metavar="ID", min=1, help="All tenants of this incident group.")
]
AtOnce = Annotated[int, typer.Option("--at-once", metavar="N", min=1, max=20, help="With --class: how many at a time.")]
Reason = Annotated[
    str | None,
    typer.Option("--reason", "-m", metavar="TEXT", help="The reason, for the audit log. Asked for if missing."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what it would do, and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation (a slug must still be typed).")]
Confirm = Annotated[
    str | None, typer.Option("--confirm", metavar="SLUG", help="The tenant's slug, where it must be typed.")
]
Waits = Annotated[bool, typer.Option("--wait", "-w", help="Wait until nothing is left.", rich_help_panel=_WAITING)]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout", metavar="SECONDS", min=0, help="Wait no longer than this (exit code 6).", rich_help_panel=_WAITING
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Reset a running tenant. For platform engineers: it can orphan activities.")
]
Renew = Annotated[bool, typer.Option("--renew", help="Make a new one; the old one becomes invalid.")]
Name = Annotated[str | None, typer.Option("--name", help="The organisation's name.", show_default=False)]
Plan = Annotated[str | None, typer.Option("--plan", help="One of the platform's plans.", show_default=False)]
Product = Annotated[str | None, typer.Option("--product", help="One of the platform's products.", show_default=False)]
Region = Annotated[str | None, typer.Option("--region", help="One of the platform's regions.", show_default=False)]
Email = Annotated[
    str | None, typer.Option("--admin-email", "--email", metavar="ADDRESS", help="The tenant admin's address.")
]
State = Annotated[str | None, typer.Option("--state", help="Such as Provisioning, Failed or Active.")]
Substate = Annotated[str | None, typer.Option("--substate", help="Such as unwinding, settled, ready or stuck.")]
Attention = Annotated[bool, typer.Option("--attention", "-a", help="Only tenants that need a person.")]
Search = Annotated[
    str | None,
    typer.Option("--search", "-q", metavar="TEXT", help="The beginning of a slug, an id or a word of the name."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="The most to show.")]
FactsLimit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="The most to show.")]
Cursor = Annotated[str | None, typer.Option("--cursor", help="Continue after the list that gave this cursor.")]
After = Annotated[int, typer.Option("--after", metavar="SEQ", min=0, help="Only facts after this one.")]

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="ADDRESS",
        help="Airflow's address (TENANCY_URL). Default: this project's sandbox.",
        rich_help_panel=_WHERE,
    ),
]
User = Annotated[
    str | None,
    typer.Option("--user", metavar="NAME", help="The user who logs in (TENANCY_USER).", rich_help_panel=_WHERE),
]
Password = Annotated[
    str | None,
    typer.Option(
        "--password",
        metavar="TEXT",
        help="Other users can read it here: prefer TENANCY_PASSWORD, or be asked.",
        rich_help_panel=_WHERE,
    ),
]
Token = Annotated[
    str | None,
    typer.Option("--token", metavar="JWT", help="Instead of a login (TENANCY_TOKEN).", rich_help_panel=_WHERE),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print the API's JSON on stdout, and nothing else.", rich_help_panel=_WHERE)
]
