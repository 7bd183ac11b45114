"""alembic's entry. Tenancy hands over the connection, in its transaction, and the schema for the version table."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema=context.config.attributes["schema"],
    transaction_per_migration=False,
)
context.run_migrations()
