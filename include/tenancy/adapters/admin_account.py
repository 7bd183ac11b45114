"""The tenant-admin account in the product's own tables: the product's statements, with the values for one tenant.

Used by tenant_database.py. A statement has psycopg's placeholders, such as `%(email)s`; a literal % is written `%%`.
What a query returns is the tenant's to choose, so no more of it is read than is needed.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from tenancy.adapters.product_error import product_error
from tenancy.adapters.product_file import ADMIN_STATEMENTS

PLACEHOLDERS: Final = frozenset({"tenant_id", "slug", "name", "email", "digest"})


@dataclass(frozen=True)
class InvitationStatus:
    """The admin's invitation as the tenant's database has it."""

    digest: str
    used_at: datetime | None
    expires_at: datetime
    open: bool
    """Neither used nor expired, by that server's clock."""


@dataclass(frozen=True)
class AdminAccount:
    """One tenant's admin. `folder` has the product's statements; `digest` is the SHA-256 of the invitation."""

    folder: Path
    tenant_id: str
    slug: str
    name: str
    email: str
    digest: str = field(repr=False)

    @property
    def values(self) -> dict[str, str]:
        """The values of the placeholders."""
        return {name: getattr(self, name) for name in PLACEHOLDERS}

    @property
    def create(self) -> str:
        """Makes the account and invites the admin; run again it keeps an invitation that exists."""
        return self._statement("create.sql")

    @property
    def exists(self) -> str:
        """Has the tenant an admin? One row with `has_admin`."""
        return f"select exists (\n{self._statement('exists.sql')}\n) as has_admin"

    @property
    def invitation(self) -> str:
        """The fields of InvitationStatus; no row when there is no invitation."""
        return f"""
            select pg_catalog.left(i.digest::pg_catalog.text, 128) as digest,
                   i.used_at::pg_catalog.timestamptz as used_at, i.expires_at::pg_catalog.timestamptz as expires_at,
                   i.used_at is null and i.expires_at > pg_catalog.now() as open
              from (\n{self._statement("invitation.sql")}\n) as i limit 1"""  # noqa: S608 - the product's own text

    @property
    def renew(self) -> str:
        """Replaces an invitation that was not used yet."""
        return self._statement("renew.sql")

    def _statement(self, name: str) -> str:
        assert name in ADMIN_STATEMENTS
        try:
            return (self.folder / name).read_text(encoding="utf-8").strip().removesuffix(";")
        except (OSError, UnicodeDecodeError) as error:
            raise product_error(self.folder.parent, [f"{self.folder.name}/{name}: cannot be read"]) from error
