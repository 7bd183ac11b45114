"""docker-compose.yaml says what it should, as far as that can be told without an engine."""

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from installation import compose
from installation.contents import POOL_SLOTS, REGIONS
from installation.secret_files import FILES
from installation.settings import as_env_file, settings
from sandbox import airflow_env, secrets
from sandbox.airflow_env import AirflowOptions
from sandbox.layout import PROJECT, Layout
from sandbox.ports import USUAL
from tenancy.adapters.platform_file import parse_platform
from tenancy.airflow_settings import PERIODIC_TASK_POOL
from tests.products import PLAN
from tests.unit.compose_file import AIRFLOWS, FILE, LASTING, SERVICES, TEXT, env_file, environment

SCHEMA = Path(__file__).parent / "compose_spec" / "compose-spec.json"
COMPOSE_PAGE = (PROJECT / "docs" / "integrating" / "compose.md").read_text()
SETTINGS_PAGE = (PROJECT / "docs" / "reference" / "settings.md").read_text()


def test_is_valid_by_the_compose_specification():
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(FILE)


def test_the_specification_finds_what_is_wrong():
    wrong = {**FILE, "services": {**SERVICES, "redis": {**SERVICES["redis"], "helthcheck": {}}}}
    with pytest.raises(jsonschema.ValidationError, match="helthcheck"):
        jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(wrong)


@pytest.mark.parametrize("image", sorted({service["image"] for service in SERVICES.values()}))
def test_every_image_is_pinned_to_a_full_version(image: str):
    assert re.fullmatch(r"[a-z0-9/]+:v?\d+\.\d+(\.\d+)?[a-z0-9.-]*(@sha256:[0-9a-f]{64})?", image)


def test_only_the_console_is_published_and_on_loopback_only():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"api-server": ["127.0.0.1:8080:8080"]}
    assert not [name for name, service in SERVICES.items() if "network_mode" in service]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_limits(name: str):
    assert SERVICES[name]["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}


@pytest.mark.parametrize("name", LASTING)
def test_every_service_that_lasts_is_restarted_and_says_how_it_is(name: str):
    assert LASTING[name]["restart"] == "unless-stopped"
    assert LASTING[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_only_the_preparation_ends():
    assert SERVICES.keys() - LASTING.keys() == {"init"}


@pytest.mark.parametrize("name", sorted(AIRFLOWS.keys() - {"init"}))
def test_airflow_starts_when_everything_is_prepared(name: str):
    assert AIRFLOWS[name]["depends_on"]["init"] == {"condition": "service_completed_successfully"}


def test_every_part_that_is_waited_for_exists_and_has_a_health_check():
    waited = {part for service in SERVICES.values() for part in service.get("depends_on", {})}
    assert waited - {"init"} <= LASTING.keys()


def test_two_schedulers_and_two_workers():
    assert {name: SERVICES[name]["deploy"].get("replicas", 1) for name in ("scheduler", "worker")} == {
        "scheduler": 2,
        "worker": 2,
    }


def test_the_api_is_served_apart_from_the_console():
    apps = {name: SERVICES[name]["command"][2:4] for name in ("api-server", "execution-api")}
    assert apps == {"api-server": ["--apps", "core"], "execution-api": ["--apps", "execution"]}


# -- secrets


def test_every_secret_is_a_file_that_make_secrets_makes():
    assert FILE["secrets"] == {name: {"file": f"compose/secrets/{name}"} for name in FILES}
    assert "compose/secrets/" in (PROJECT / ".gitignore").read_text().splitlines()


def test_every_secret_is_used():
    assert {name for service in SERVICES.values() for name in service.get("secrets", [])} == FILES.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_given_every_secret_it_reads(name: str):
    read = set(re.findall(r"/run/secrets/([\w-]+)", json.dumps(SERVICES[name])))
    assert read <= set(SERVICES[name].get("secrets", []))


@pytest.mark.parametrize("name", sorted(AIRFLOWS.keys() - {"init"}))
def test_no_part_of_airflow_has_a_superusers_or_a_persons_password(name: str):
    given = AIRFLOWS[name]["secrets"]
    assert not [secret for secret in given if secret.endswith("superuser") or secret.startswith("user_")]


@pytest.mark.parametrize("name", SERVICES)
def test_no_environment_holds_a_secret(name: str):
    suspicious = re.compile(r"PASSWORD|SECRET|TOKEN|FERNET|CONN|BROKER_URL|BACKEND")
    everything = {**environment(name), **(env_file(SERVICES[name]["env_file"]) if name in AIRFLOWS else {})}
    named = [each for each in everything if suspicious.search(each) and not each.endswith(("_CMD", "_FILE"))]
    assert {each for each in named if not re.search(r"CONNECT(ION)?_(TIMEOUT|CHECK_MAX_COUNT)$", each)} == set()


# -- settings


def test_the_settings_are_those_we_ship():
    assert (PROJECT / "compose" / "airflow.env").read_text() == as_env_file()
    assert {name: env_file(service["env_file"]) for name, service in AIRFLOWS.items()} == dict.fromkeys(
        AIRFLOWS, settings()
    )


@pytest.mark.parametrize("value", settings().values())
def test_compose_takes_every_setting_as_it_is(value: str):
    """In an env_file it would cut a comment, put in a variable and take quotes off."""
    assert not set(value) & {"$", "#", "'", "\\", "\n"}
    assert not value.startswith('"')


@pytest.mark.parametrize("name", AIRFLOWS)
def test_nothing_we_ship_is_set_otherwise_in_the_file(name: str):
    assert not settings().keys() & environment(name).keys()


def test_the_sandbox_has_the_same_settings(tmp_path: Path):
    made = secrets.load_or_create(tmp_path / "secrets.json")
    sandbox = airflow_env.variables(Layout(tmp_path), USUAL, made, AirflowOptions(), "celery")
    assert {name: sandbox[name] for name in settings()} == settings()


def test_what_the_file_adds_the_sandbox_sets_too_or_is_about_places(tmp_path: Path):
    made = secrets.load_or_create(tmp_path / "secrets.json")
    sandbox = airflow_env.variables(Layout(tmp_path), USUAL, made, AirflowOptions(), "celery")
    ours = {name.removesuffix("_CMD") for name in environment("scheduler") if name.startswith("AIRFLOW__")}
    assert ours - sandbox.keys() == {
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST",
    }


def test_the_platform_file_offers_what_is_prepared():
    offered = parse_platform(
        tomllib.loads((PROJECT / "compose" / "platform.toml").read_text()), [activity.name for activity in PLAN]
    )
    assert {region.storage_connection for region in offered.regions.values()} == {
        f"tenancy_storage_{region}" for region in REGIONS
    }
    assert {*(plan.workflow_pool for plan in offered.plans.values()), PERIODIC_TASK_POOL} == set(POOL_SLOTS)


# -- what it speaks of


def test_the_places_that_are_prepared_are_services():
    hosts = {compose.METADATA.host, compose.PLACES.ledger.host, compose.PLACES.api.host}
    assert hosts <= SERVICES.keys()
    assert compose.CLUSTER_URL == "https://k3s:6443"
    assert "--tls-san=k3s" in SERVICES["k3s"]["command"]
    assert SERVICES["postgres-storage"]["networks"]["inside"] == {"ipv4_address": compose.STORAGE_HOST}


def test_the_image_has_the_locked_airflow_and_copies_existing_files():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    image = re.search(r"^FROM apache/airflow:([\d.]+)-python3\.12$", dockerfile, re.MULTILINE)
    assert image is not None
    assert f"apache-airflow=={image[1]}" in (PROJECT / "requirements.txt").read_text().splitlines()
    sources = re.findall(r"^COPY --chown=airflow:root (\S+) /opt/tenancy/(\S+)$", dockerfile, re.MULTILINE)
    assert [source for source, _ in sources if not (PROJECT / source).exists()] == []
    assert all(source == target for source, target in sources)
    allowed = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert allowed == {source for source, _ in sources}


def test_every_variable_that_the_file_takes_is_explained():
    taken = set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT))
    assert taken == {"AIRFLOW_UID"}
    assert [name for name in taken if f"`{name}`" not in COMPOSE_PAGE] == []


def test_every_setting_is_explained():
    named = {*settings(), *environment("scheduler")}
    assert [name for name in sorted(named) if f"`{name.removesuffix('_CMD')}" not in SETTINGS_PAGE] == []


def test_every_service_is_explained():
    assert [name for name in SERVICES if f"`{name}`" not in COMPOSE_PAGE] == []
