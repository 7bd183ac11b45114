"""Prepares Airflow's metadata database: tables, roles, users, connections, pools.

Run in the environment of its Airflow, in a process of its own: every start of Airflow's own command line costs seconds,
and passwords do not belong in arguments. `contents` has the values. Safe to run again; additions of people are left
alone.
"""

from typing import Any

from airflow.models import Connection, Pool
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from sqlalchemy import select
from werkzeug.security import check_password_hash, generate_password_hash

from installation.contents import CREDENTIALS, SERVICE_USER

_POOL = "Tenancy: jobs of the tenants on a plan, or its own upkeep"


def write(desired: dict[str, Any]) -> None:
    """Bring Airflow's tables to this version and these contents into them."""
    initdb()
    with get_application_builder() as appbuilder:
        appbuilder.add_permissions(update_perms=True)
        appbuilder.sm.sync_roles()
        for role, permissions in desired["roles"].items():
            _bring_role_up_to_date(appbuilder.sm, role, permissions)
        for user in desired["users"]:
            _ensure_user(appbuilder.sm, **user)
    with create_session() as session:
        for connection in desired["connections"]:
            _ensure_connection(session, connection)
        for pool, slots in desired["pools"].items():
            Pool.create_or_update_pool(pool, slots, _POOL, False, session=session)


def _bring_role_up_to_date(security: Any, name: str, permissions: tuple[tuple[str, str], ...]) -> None:
    """Airflow makes configured roles but leaves existing ones as they are, so a changed definition ends here."""
    role = security.find_role(name)
    desired = set(permissions) | {("can_read", "Website")}
    held = {(each.action.name, each.resource.name): each for each in role.permissions}
    for action, resource in desired - held.keys():
        security.add_permission_to_role(role, security.create_permission(action, resource))
    for pair in held.keys() - desired:
        security.remove_permission_from_role(role, held[pair])


def _ensure_user(security: Any, *, name: str, role: str, password: str) -> None:
    roles = [security.find_role(role)]
    user = security.find_user(username=name)
    if user is None:
        names = (name, name, "Tenancy", f"{name}@tenancy.invalid")
        security.add_user(*names, roles, hashed_password=_hashed(name, password))
        return
    if user.roles != roles:
        user.roles = roles
        security.update_user(user)
    if not check_password_hash(user.password, password):
        user.password = _hashed(name, password)
        security.update_user(user)


def _hashed(name: str, password: str) -> str:
    """As FAB does, but quick for the service user: each task that asks the REST API logs in anew.

    Slow hashes (scrypt, 110 ms) protect passwords that can be guessed; the service user's is random.
    """
    return generate_password_hash(password, "pbkdf2:sha256:1000" if name == SERVICE_USER else "scrypt")


def _ensure_connection(session: Any, desired: dict[str, Any]) -> None:
    connection = session.scalar(select(Connection).where(Connection.conn_id == desired["conn_id"]))
    if connection is None:
        session.add(Connection(**desired))
        return
    if desired["conn_id"] == CREDENTIALS:
        return  # a rotated key is nowhere else
    for name, value in desired.items():
        if getattr(connection, name) != value:
            setattr(connection, name, value)
