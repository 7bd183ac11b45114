"""The command line's words: every option once, with its help."""

from typing import Annotated

import typer

_WHERE = "Where and as whom (also before the verb)"
_WAITING = "Waiting"

Ref = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's id or slug.", show_default=False)]
MaybeRef = Annotated[
    str | None, typer.Argument(metavar="[TENANT]", help="The tenant's id or slug.", show_default=False)
]
ClassId = Annotated[
    int | None, typer.Option("--class", metavar="ID", min=1, help="All tenants of this class of stall.")
]
AtOnce = Annotated[int, typer.Option("--at-once", metavar="N", min=1, max=20, help="With --class: so many at a time.")]
Reason = Annotated[
    str | None,
    typer.Option("--reason", "-m", metavar="TEXT", help="Why; the audit log keeps it. Asked for if missing."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Only tell what it would do.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether to go on (a slug must still be typed).")]
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
    bool, typer.Option("--force", help="Reset what still runs; platform engineers only, it can orphan activities.")
]
Renew = Annotated[bool, typer.Option("--renew", help="Make another one; the one before is worth nothing then.")]
Name = Annotated[str | None, typer.Option("--name", help="The organisation's name.", show_default=False)]
Plan = Annotated[str | None, typer.Option("--plan", help="One of the platform's plans.", show_default=False)]
Region = Annotated[str | None, typer.Option("--region", help="One of the platform's regions.", show_default=False)]
Email = Annotated[
    str | None, typer.Option("--admin-email", "--email", metavar="ADDRESS", help="The tenant admin's address.")
]
State = Annotated[str | None, typer.Option("--state", help="Such as Provisioning, Failed or Active.")]
Substate = Annotated[str | None, typer.Option("--substate", help="Such as unwinding, settled, ready or stuck.")]
Attention = Annotated[bool, typer.Option("--attention", "-a", help="Only those that need somebody.")]
Search = Annotated[str | None, typer.Option("--search", "-q", metavar="TEXT", help="How a slug, an id or word begins.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="At most so many.")]
FactsLimit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")]
Cursor = Annotated[str | None, typer.Option("--cursor", help="Where the list before this one ended.")]
After = Annotated[int, typer.Option("--after", metavar="SEQ", min=0, help="Only facts after this one.")]

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="ADDRESS",
        help="Airflow's address (TENANCY_URL); else this project's sandbox.",
        rich_help_panel=_WHERE,
    ),
]
User = Annotated[
    str | None, typer.Option("--user", metavar="NAME", help="Who logs in (TENANCY_USER).", rich_help_panel=_WHERE)
]
Password = Annotated[
    str | None,
    typer.Option(
        "--password",
        metavar="TEXT",
        help="Others can read it here: prefer TENANCY_PASSWORD, or be asked.",
        rich_help_panel=_WHERE,
    ),
]
Token = Annotated[
    str | None,
    typer.Option("--token", metavar="JWT", help="Instead of a login (TENANCY_TOKEN).", rich_help_panel=_WHERE),
]
Json = Annotated[
    bool, typer.Option("--json", help="The API's JSON on stdout, and nothing else.", rich_help_panel=_WHERE)
]
