"""What the role that records facts may do: read everything, append facts, keep projections and work tables.

It may not change or remove a fact, nor alter a table, drop a trigger or switch one off: those are the owner's rights.
"""

from typing import Any, Final

from psycopg import Connection, sql

_RIGHTS: Final = (
    "grant usage on schema {schema} to {writer}",
    "grant select, insert, update, delete on all tables in schema {schema} to {writer}",
    "revoke update, delete, truncate, references, trigger on {schema}.fact from {writer}",
    "revoke update, delete, truncate, references, trigger on {schema}.signed_head from {writer}",
    "revoke insert, update, delete on {schema}.alembic_version from {writer}",
)


def grant(owner: Connection[Any], schema: str, writer: str) -> None:
    """Give the writer exactly these rights, in one transaction. Called by the owner's session after each migration."""
    names = {"schema": sql.Identifier(schema), "writer": sql.Identifier(writer)}
    with owner.transaction():
        for statement in _RIGHTS:
            owner.execute(sql.SQL(statement).format(**names))
