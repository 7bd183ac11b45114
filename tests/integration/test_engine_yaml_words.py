"""Words that YAML reads as something else: as slugs, plans and regions they stay words through the whole engine."""

import tomllib
from dataclasses import replace

import pytest

from tenancy.adapters.platform_file import parse_platform
from tests.integration.engine_harness import ORDER, EngineHarness
from tests.real_systems import POOL

WORDS = ("true", "null", "yes", "off", "nan")
FILE = """
[platform]
name = "test"

[plans.{word}]
database_connections = 7
workflow_pool = "{pool}"
replicas = 1
cpu = "100m"
memory = "128Mi"

[regions.{word}]
storage_connection = "s"
cluster_connection = "c"
ingress_domain = "t.test"
capacity = 100
"""


@pytest.mark.parametrize("word", WORDS)
def test_a_tenant_with_such_a_slug_becomes_active(harness: EngineHarness, word: str):
    saga = harness.run_all(slug=word)
    assert (saga.phase, saga.parameters.slug) == ("Active", word)


@pytest.mark.parametrize("word", WORDS)
def test_so_does_one_whose_plan_and_region_have_such_a_name(harness: EngineHarness, word: str):
    platform = parse_platform(tomllib.loads(FILE.format(word=word, pool=POOL)), ORDER)
    harness.tenancy = replace(harness.tenancy, platform=platform)
    saga = harness.run_all(plan=word, region=word)
    assert (saga.phase, saga.parameters.plan, saga.parameters.region) == ("Active", word, word)
