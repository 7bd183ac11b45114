"""Connections of a region, for activities that enter their system by themselves."""

from dataclasses import replace

import pytest

from tenancy.saga.connections import connection_id, regions_with
from tenancy.saga.errors import PlatformFileError
from tests.real_systems import REGION, platform

PLATFORM = platform()
CONNECTED = replace(PLATFORM.regions[REGION], connections={"object_store": "objects_eu"})


def test_a_regions_connection_is_found_by_the_kind_of_system():
    assert connection_id(CONNECTED, "object_store") == "objects_eu"


def test_a_region_without_it_is_told_the_line_to_add():
    with pytest.raises(PlatformFileError, match=r'\[regions.eu-central.connections\] mail = "..."'):
        connection_id(CONNECTED, "mail")


def test_only_regions_that_have_the_system_are_asked():
    other = replace(PLATFORM.regions[REGION], name="us-east")
    both = replace(PLATFORM, regions={REGION: CONNECTED, "us-east": other})
    assert list(regions_with(both, "object_store")) == [(CONNECTED, "objects_eu")]
