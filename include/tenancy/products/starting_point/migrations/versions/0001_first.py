"""The first tables. Every tenant's database gets them, in the schema `tenant`.

Write the next revision as a file of its own; never change one that a tenant has. Migrations go forward only.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        create table notes (
            id         bigint generated always as identity primary key,
            body       text not null,
            created_at timestamptz not null default now()
        )""")
