"""Stalls by faults of the platform, which affect every tenant: reported and cleared."""

import pytest

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance import gates
from tests.acceptance.stalls import stall_setup
from tests.acceptance.stalls.stall_cases import NO_POOL, OF_ALL, SILENT, StallCase

CASES = (*OF_ALL, NO_POOL)
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stuck(limited: Access, limited_fault_client: FaultClient) -> dict[StallCase, str]:
    """The slug of a tenant for each case: each met its fault alone."""
    return {case: stall_setup.of_all(limited, limited_fault_client, case) for case in OF_ALL}


@pytest.fixture(scope="module")
def waiting(limited: Access, limited_fault_client: FaultClient, stuck: dict[StallCase, str]) -> dict[StallCase, str]:
    """Also one for each fault under which an attempt hangs; checked while it does."""
    held = {NO_POOL: _reported_without_pool(limited)}
    return stuck | held | {case: _reported_meanwhile(limited, limited_fault_client, case) for case in SILENT}


def _reported_without_pool(access: Access) -> str:
    with gates.without_pool(access, "tenants_business"):
        slug = stall_setup.created(access, plan="business")
        stall_setup.assert_stall_reported(access, slug, NO_POOL)
    return slug


def _reported_meanwhile(access: Access, fault_client: FaultClient, case: StallCase) -> str:
    fault = fault_client.set(case.fault)
    try:
        slug = stall_setup.created(access)
        stall_setup.assert_stall_reported(access, slug, case)
    finally:
        fault_client.clear(fault.id)
    return slug


@pytest.fixture(scope="module")
def well(limited: Access, waiting: dict[StallCase, str]) -> dict[StallCase, str]:
    """All are Active."""
    stall_setup.bring_back(limited, *waiting.values())
    return waiting


@pytest.mark.parametrize("case", OF_ALL, ids=str)
def test_a_tenant_that_failed_because_of_it_shows_why_until_a_person_acts(
    limited: Access, waiting: dict[StallCase, str], case: StallCase
):
    stall_setup.assert_stall_reported(limited, waiting[case], case)


@pytest.mark.parametrize("case", [*SILENT, *CASES], ids=str)
def test_it_is_over_once_the_tenant_is_well(limited: Access, well: dict[StallCase, str], case: StallCase):
    """Those that hung were told while they did."""
    stall_setup.assert_over(limited, well[case], case)
