"""alembic's entry; the work is in adapters/schema_migrations.py."""

from tenancy.adapters.schema_migrations import run_environment

run_environment()
