"""A tenant's database as the product's own migrations make it, for tests that need one without a saga."""

import hashlib

from psycopg.conninfo import conninfo_to_dict

from tenancy.activities.apply_tenant_schema import TENANT_SCHEMA_VERSION
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.storage import LockPolicy
from tenancy.adapters.tenant_database import AdminAccount, TenantDatabase
from tenancy.saga.names import PLATFORM_STREAM

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
    admin = AdminAccount("Acme", "acme", ADMIN, hashlib.sha256(INVITATION.encode()).hexdigest())
    TenantDatabase(address).apply_schema(
        PLATFORM_STREAM, admin, _POLICY, fence=lambda: None, target=TENANT_SCHEMA_VERSION
    )
