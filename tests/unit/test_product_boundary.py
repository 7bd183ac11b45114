"""The engine knows no product: neither the sample's name nor its files, tables, image or values."""

from pathlib import Path

import pytest

from sandbox.layout import PROJECT

WORDS = (
    "products/sample", "tenant-app", "tenant.users", "tenant.accounts", "tenant.audit", "tenant.sessions",
    "databasePort", "0002_settings", '"0002"', '"1.0.1"', "charts/tenant", "tenant_schema/",
)  # fmt: skip
TENANCY = PROJECT / "include" / "tenancy"
FILES = sorted(
    path
    for path in TENANCY.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts and "starting_point" not in path.parts
)


@pytest.mark.parametrize("word", WORDS)
def test_nothing_in_the_package_knows_the_sample(word: str):
    # The ledger's own migrations are numbered, too.
    known = [path for path in FILES if word in path.read_bytes().decode(errors="replace")]
    assert [str(path.relative_to(TENANCY)) for path in known if not _is_ledgers(path)] == []


def _is_ledgers(path: Path) -> bool:
    return path.is_relative_to(TENANCY / "ledger" / "migrations")
