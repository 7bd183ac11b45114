"""Faults of the platform, which concern every tenant: told of those they meet, by the clock alone, and over."""

import pytest

from sandbox.access import Access
from sandbox.faults.desk import Desk
from tests.acceptance.stalls import scenes
from tests.acceptance.stalls.rows import NO_POOL, OF_ALL, SILENT, Row

ROWS = (*OF_ALL, NO_POOL)
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stuck(limited: Access, limited_desk: Desk) -> dict[Row, str]:
    """A tenant for each row, by its slug: each met its fault alone."""
    slugs = {row: scenes.of_all(limited, limited_desk, row) for row in OF_ALL}
    with scenes.no_pool(limited, "tenants_business"):
        slugs[NO_POOL] = scenes.failed(limited, plan="business")
    return slugs


@pytest.fixture(scope="module")
def well(limited: Access, stuck: dict[Row, str]) -> dict[Row, str]:
    """All are Active."""
    scenes.bring_back(limited, *stuck.values())
    return stuck


@pytest.mark.parametrize("row", SILENT, ids=str)
def test_whom_it_keeps_waiting_is_told_so(limited: Access, limited_desk: Desk, stuck: dict[Row, str], row: Row):
    fault = limited_desk.set(row.fault)
    stuck[row] = scenes.created(limited)
    scenes.assert_told(limited, stuck[row], row)
    limited_desk.clear(fault.id)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_who_has_failed_of_it_is_told_why_until_somebody_comes(limited: Access, stuck: dict[Row, str], row: Row):
    scenes.assert_told(limited, stuck[row], row)


@pytest.mark.parametrize("row", [*SILENT, *ROWS], ids=str)
def test_it_is_over_once_the_tenant_is_well(limited: Access, well: dict[Row, str], row: Row):
    scenes.assert_over(limited, well[row], row)
