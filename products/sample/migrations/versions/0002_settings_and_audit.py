"""The tenant's settings and its own audit trail."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        create table settings (
            account_id bigint not null references accounts (id),
            name       text not null,
            value      jsonb not null,
            primary key (account_id, name)
        )""")
    op.execute("""
        create table audit (
            id    bigint generated always as identity primary key,
            at    timestamptz not null default now(),
            actor text not null,
            what  text not null,
            data  jsonb not null default '{}'
        )""")
    op.execute("create index audit_by_time on audit (at)")
