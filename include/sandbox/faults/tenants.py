"""Finds a tenant's objects from outside: by the labels of its namespace and the name of its database."""

from typing import Final

TENANT_LABEL: Final = "tenancy.internal/slug"
REGION_LABEL: Final = "tenancy.internal/region"
_LONGEST_SLUG: Final = 52
"""PostgreSQL's 63 bytes less the separator and the short id (tenancy.saga.names.object_name)."""


def database_pattern(slug: str) -> str:
    """A PostgreSQL regular expression for the names of this tenant's databases; "" matches any tenant's."""
    name = slug.replace("-", "_")[:_LONGEST_SLUG].rstrip("_") if slug else "[a-z0-9_]+"
    return f"^{name}_[0-9a-f]{{10}}$"


def selector(*, tenant: str = "", region: str = "") -> str:
    """A label selector for namespaces."""
    labels = {TENANT_LABEL: tenant, REGION_LABEL: region}
    return ",".join(f"{label}={value}" for label, value in labels.items() if value)
