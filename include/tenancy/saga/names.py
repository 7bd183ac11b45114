"""Names of tenants and of what is made for them: identifiers, slug rules, object names within each system's limit."""

import re
from typing import Final, NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
ActivityName = NewType("ActivityName", str)
RunId = NewType("RunId", str)
TaskInstanceId = NewType("TaskInstanceId", str)
"""Airflow's id of one try of one task: a UUIDv7, so the greater one is the newer one (Airflow 3.3.2, guarded by
tests/dags/test_airflow_facts.py)."""

PLATFORM_STREAM: Final = TenantId(UUID(int=0))
"""The stream of facts that belong to no tenant, such as a refused request."""

SLUG_PATTERN: Final = r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$"
"""3 to 40 characters, a DNS label: it becomes the tenant's host name."""
SLUG_LIMIT: Final = 40
POSTGRES_LIMIT: Final = 63
HELM_LIMIT: Final = 53
"""A release's name; a namespace's may have 63."""
CONNECTION_LIMIT: Final = 200
"""What Airflow 3.3.2's REST API takes as a connection_id (its column has room for 250)."""


def is_slug(text: str) -> bool:
    """Is it a well-formed slug? ASCII only, and no trailing newline slips through."""
    return bool(re.fullmatch(SLUG_PATTERN[1:-1], text)) and "--" not in text


def is_activity_name(text: str) -> bool:
    """Is it a name for an activity? It becomes a task's id, and a template uses it as a variable's name."""
    return bool(re.fullmatch(r"[a-z][a-z0-9_]{0,62}", text))


def short_id(tenant_id: TenantId) -> str:
    """The ten hexadecimal digits that set this tenant's objects apart from any other's of the same slug."""
    return tenant_id.hex[-10:]


def object_name(slug: str, tenant_id: TenantId, *, limit: int, separator: str = "_") -> str:
    """`<slug, cut>_<short id>`: a recreated slug or a second platform never collides."""
    tail = separator + short_id(tenant_id)
    return slug.replace("-", separator)[: limit - len(tail)].rstrip(separator) + tail


def proof_of(platform: str, tenant_id: TenantId | str) -> str:
    """The mark of ownership that every object we make carries; with an empty id, what all of a platform begin with."""
    return f"tenancy:{platform}:{tenant_id}"


def lock_key(tenant_id: TenantId) -> int:
    """The tenant's key for PostgreSQL's advisory locks: a signed 64-bit number."""
    return int.from_bytes(tenant_id.bytes[-8:], "big", signed=True)
