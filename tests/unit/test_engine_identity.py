"""The platform's health says when another Airflow answers than the one that has the tenants' runs."""

import json
from typing import Any, cast

import httpx
import pytest

from tenancy.adapters.airflow_api import MARKER
from tenancy.engine.health.check_results import Condition
from tenancy.engine.health.engine_verdicts import DAGS
from tenancy.engine.health.health_checks import HealthCheck, Probes, UnavailableSystem, health_checks
from tenancy.engine.recorded_engine import expected_engine
from tenancy.probes import check_work
from tenancy.saga.causes import Cause
from tenancy.saga.errors import OtherSystemError
from tests import real_systems
from tests.products import SAMPLE_ONLY


class UnmarkedAirflow:
    """An Airflow's client to whom no connection is known."""

    def call(self, method: str, path: str, **_: Any) -> httpx.Response:
        detail = f"The Connection with connection_id: `{MARKER}` was not found"
        request = httpx.Request(method, f"http://airflow.test{path}")
        return httpx.Response(404, content=json.dumps({"detail": detail}), request=request)

    read = call


def _work_check() -> HealthCheck:
    unused = cast("Any", None)
    probes = Probes(real_systems.platform(), unused, unused, unused, unused, unused, unused, unused)
    (check,) = (each for each in health_checks(probes) if each.name == "work")
    return check


def _of_dags(silence: UnavailableSystem) -> tuple[Condition, str]:
    (result,) = (each for each in _work_check().when_unavailable(silence) if each.part == DAGS)
    return result.state, result.sentence


def test_an_airflow_without_the_recorded_identity_is_reported_before_its_work():
    with pytest.raises(OtherSystemError, match="recorded airflow:a, found none"):
        check_work(cast("Any", UnmarkedAirflow()), "airflow:a", real_systems.platform(), SAMPLE_ONLY)


def test_another_airflow_has_none_of_our_dags_however_well_it_is():
    assert _of_dags(UnavailableSystem("Another.", True, Cause.OTHER_SYSTEM)) == (Condition.DOWN, "Another.")
    assert _of_dags(UnavailableSystem("Silent.")) == (Condition.UNKNOWN, "Not known: Silent.")


def test_where_no_engine_was_recorded_every_one_is_right():
    for found in ("airflow:a", ""):
        expected_engine("", real_systems.platform()).require(found, "the workflow engine")
