"""Paths of the API, below /tenancy/api/v1. Pure."""

import re
from typing import Final
from urllib.parse import quote

from tenantctl.exit_codes import UsageError

_REF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


def tenant_path(ref: str, *rest: str) -> str:
    """The path of a tenant by id or slug. UsageError when `ref` can be neither; then nothing is sent."""
    if not _REF.fullmatch(ref):
        raise UsageError(f"{ref} is neither a tenant's id nor a slug (letters, digits and single hyphens).")
    return "/".join(["/tenants", quote(ref, safe=""), *rest])
