"""What the demo says last: where things are, who may enter, what to try next."""

from rich.markup import escape

from sandbox.access import Access
from sandbox.airflow_contents import ROLE_OF_USER, SERVICE_USER
from sandbox.layout import Layout


def text(layout: Layout, *, slug: str) -> str:
    """Rich markup: addresses, users with passwords, and three things to try."""
    access = Access(layout)
    users = "\n".join(
        f"    {user:<10} {escape(access.password(user)):<26} [dim]{escape(role)}[/dim]"
        for user, role in ROLE_OF_USER.items()
        if user != SERVICE_USER
    )
    command = escape(str(layout.airflow_command))
    another = "globex" if slug != "globex" else "initech"
    return (
        f"\n  [bold]Airflow[/bold]    {access.api_url}\n"
        f"  [bold]The DAG[/bold]    {access.api_url}/dags/tenant_provisioning\n"
        f"  [bold]Users[/bold]\n{users}\n\n"
        "  [bold]Try next[/bold]\n"
        f"    another tenant      make demo SLUG={another} PLAN=business REGION=us-east WAIT=0\n"
        f"    a taken slug        {command} dags trigger tenant_provisioning -c "
        f'\'{{"slug": "{escape(slug)}", "name": "Again", "plan": "starter", "region": "eu-central", '
        '"admin_email": "admin@again.example"}\'\n'
        "    what runs           make status\n"
    )
