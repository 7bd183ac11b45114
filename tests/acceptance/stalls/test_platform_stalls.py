"""Faults of the platform, which concern every tenant: told of those they meet, by the clock alone, and over."""

import pytest

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance import gates
from tests.acceptance.stalls import stall_setup
from tests.acceptance.stalls.stall_cases import NO_POOL, OF_ALL, SILENT, StallCase

ROWS = (*OF_ALL, NO_POOL)
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stuck(limited: Access, limited_fault_client: FaultClient) -> dict[StallCase, str]:
    """A tenant for each row, by its slug: each met its fault alone."""
    return {row: stall_setup.of_all(limited, limited_fault_client, row) for row in OF_ALL}


@pytest.fixture(scope="module")
def waiting(limited: Access, limited_fault_client: FaultClient, stuck: dict[StallCase, str]) -> dict[StallCase, str]:
    """And one for each fault under which it hangs, told while it does."""
    held = {NO_POOL: _told_without_pool(limited)}
    return stuck | held | {row: _told_meanwhile(limited, limited_fault_client, row) for row in SILENT}


def _told_without_pool(access: Access) -> str:
    with gates.without_pool(access, "tenants_business"):
        slug = stall_setup.created(access, plan="business")
        stall_setup.assert_stall_reported(access, slug, NO_POOL)
    return slug


def _told_meanwhile(access: Access, fault_client: FaultClient, row: StallCase) -> str:
    fault = fault_client.set(row.fault)
    try:
        slug = stall_setup.created(access)
        stall_setup.assert_stall_reported(access, slug, row)
    finally:
        fault_client.clear(fault.id)
    return slug


@pytest.fixture(scope="module")
def well(limited: Access, waiting: dict[StallCase, str]) -> dict[StallCase, str]:
    """All are Active."""
    stall_setup.bring_back(limited, *waiting.values())
    return waiting


@pytest.mark.parametrize("row", OF_ALL, ids=str)
def test_who_has_failed_of_it_is_told_why_until_somebody_comes(
    limited: Access, waiting: dict[StallCase, str], row: StallCase
):
    stall_setup.assert_stall_reported(limited, waiting[row], row)


@pytest.mark.parametrize("row", [*SILENT, *ROWS], ids=str)
def test_it_is_over_once_the_tenant_is_well(limited: Access, well: dict[StallCase, str], row: StallCase):
    """Those that hung were told while they did."""
    stall_setup.assert_over(limited, well[row], row)
