"""The summary that the demo prints at its end: addresses, users with passwords, and what to try next."""

from rich.markup import escape

from sandbox.access import Access
from sandbox.airflow_contents import ROLE_OF_USER, SERVICE_USER
from sandbox.layout import Layout
from sandbox.ports import HOST


def text(layout: Layout, *, slug: str, host: str = "") -> str:
    """Returns Rich markup. `host` is the tenant's host name, "" when it has none."""
    access = Access(layout)
    users = "\n".join(
        f"    {user:<10} {escape(access.password(user)):<26} [dim]{escape(role)}[/dim]"
        for user, role in ROLE_OF_USER.items()
        if user != SERVICE_USER
    )
    command = escape(str(layout.airflow_command))
    another = "globex" if slug != "globex" else "initech"
    return (
        f"\n{_tenant(access, host)}  [bold]Airflow[/bold]    {access.api_url}\n"
        f"  [bold]Tenants[/bold]    {access.api_url}/plugin/tenants\n"
        f"  [bold]The DAG[/bold]    {access.api_url}/dags/tenant_provisioning\n"
        f"  [bold]Users[/bold]\n{users}\n\n"
        "  [bold]Try next[/bold]\n"
        f"    another tenant      make demo SLUG={another} PLAN=business REGION=us-east WAIT=0\n"
        f"    a taken slug        {command} dags trigger tenant_provisioning -c "
        f'\'{{"slug": "{escape(slug)}", "name": "Again", "plan": "starter", "region": "eu-central", '
        '"admin_email": "admin@again.example"}\'\n'
        "    a stall             see docs/operating/game-day.md\n"
        "    what runs           make status\n"
    )


def _tenant(access: Access, host: str) -> str:
    if not host:
        return ""
    url, port = access.tenant_url(host), access.ports["ingress"]
    return (
        f"  [bold]The tenant[/bold] {url}\n"
        f"    from its own database        curl --resolve {host}:{port}:{HOST} {url}/\n"
        f"    its admin's door             curl --resolve {host}:{port}:{HOST} {url}/admin/login\n\n"
    )
