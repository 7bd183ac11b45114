"""A tenant's database as the product's own migrations make it, for tests that need one without a saga."""

import hashlib

from psycopg.conninfo import conninfo_to_dict

from tenancy.adapters.admin_account import AdminAccount
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.migration_folder import migrations_in
from tenancy.adapters.storage import LockPolicy
from tenancy.adapters.tenant_database import TenantDatabase
from tenancy.saga.names import PLATFORM_STREAM
from tests.products import ADMIN_STATEMENTS, SCHEMA_VERSION, SCRIPTS

ADMIN = "admin@acme.example"
INVITATION = "the one-time invitation"
_POLICY = LockPolicy("tests", 5, lambda _: False, lambda _label, _holder: None)


def furnish(dsn: str) -> None:
    """Make the schema and the admin account of the tenant `acme` in this database."""
    info = conninfo_to_dict(dsn)
    address = Dsn(
        host=str(info["host"]),
        port=int(str(info["port"])),
        dbname=str(info["dbname"]),
        user=str(info["user"]),
        password=str(info["password"]),
        label="the tests' storage",
    )
    admin = AdminAccount(
        ADMIN_STATEMENTS,
        tenant_id=str(PLATFORM_STREAM),
        slug="acme",
        name="Acme",
        email=ADMIN,
        digest=hashlib.sha256(INVITATION.encode()).hexdigest(),
    )
    database, fence = TenantDatabase(address), lambda: None
    migrations = migrations_in(SCRIPTS)
    database.apply_schema(PLATFORM_STREAM, migrations, admin, _POLICY, fence=fence, target=SCHEMA_VERSION)
