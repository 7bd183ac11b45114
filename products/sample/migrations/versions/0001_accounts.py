"""Accounts, their users and sessions."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        create table accounts (
            id         bigint generated always as identity primary key,
            slug       text not null unique,
            name       text not null,
            created_at timestamptz not null default now()
        )""")
    op.execute("""
        create table users (
            id                    bigint generated always as identity primary key,
            account_id            bigint not null references accounts (id),
            email                 text not null unique,
            role                  text not null check (role in ('admin', 'member')),
            password_digest       text,
            invitation_digest     text unique,
            invitation_expires_at timestamptz,
            invitation_used_at    timestamptz,
            created_at            timestamptz not null default now(),
            constraint invitation_expires check ((invitation_digest is null) = (invitation_expires_at is null))
        )""")
    op.execute("comment on column users.invitation_digest is 'SHA-256 of the one-time invitation, never itself'")
    op.execute("""
        create table sessions (
            token_digest text primary key,
            user_id      bigint not null references users (id) on delete cascade,
            expires_at   timestamptz not null,
            created_at   timestamptz not null default now()
        )""")
    op.execute("create index sessions_by_user on sessions (user_id)")
