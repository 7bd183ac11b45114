"""Whom `tenantctl` asks, and as whom."""

import json
from pathlib import Path

import pytest

from tenantctl.exit_codes import UsageError
from tenantctl.target import ConnectionOptions, Target, resolve_target
from tests.contract.fake_tenancy_api import PASSWORD, FakeTenancy
from tests.contract.fake_tenant import FakeTenant
from tests.unit.tenantctl_runner import run

NOBODY = ConnectionOptions()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "ports.json").write_text(json.dumps({"api": 8088, "ledger": 1}))
    (tmp_path / "secrets.json").write_text(json.dumps({"users": {"operator": PASSWORD, "engineer": "of-engineer"}}))
    return tmp_path


def test_a_running_sandbox_needs_no_flags(home: Path):
    api = FakeTenancy(FakeTenant("acme"))
    assert run(api, "list", environ={}, home=home).code == 0
    assert str(api.requests[0].url) == "http://127.0.0.1:8088/auth/token"


def test_another_user_of_the_sandbox_is_found_by_name(home: Path):
    found = resolve_target(ConnectionOptions(user="engineer"), {}, home)
    assert (found.user, found.password, found.is_sandbox) == ("engineer", "of-engineer", True)


def test_the_sandboxs_password_goes_to_no_other_address(home: Path):
    found = resolve_target(ConnectionOptions(url="https://elsewhere.example", user="operator"), {}, home)
    assert found == Target("https://elsewhere.example", user="operator", password="")


def test_an_address_in_the_environment_outweighs_the_sandbox_and_a_flag_both(home: Path):
    environ = {"TENANCY_URL": "https://one.example", "TENANCY_TOKEN": "t"}
    assert resolve_target(NOBODY, environ, home).url == "https://one.example"
    assert resolve_target(ConnectionOptions(url="https://two.example"), environ, home).url == "https://two.example"


def test_a_user_on_the_command_line_outweighs_the_environments_token_and_gets_nobody_elses_password(home: Path):
    environ = {
        "TENANCY_URL": "https://x.example",
        "TENANCY_USER": "a",
        "TENANCY_PASSWORD": "of-a",
        "TENANCY_TOKEN": "t",
    }
    assert resolve_target(ConnectionOptions(user="b"), environ, home) == Target(
        "https://x.example", user="b", password=""
    )
    assert resolve_target(ConnectionOptions(user="a"), environ, home).password == "of-a"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.example/", "https://x.example"),
        ("https://x.example/airflow/tenancy/api/v1/", "https://x.example/airflow"),
        ("http://localhost:8080?next=/", "http://localhost:8080"),
    ],
)
def test_an_address_may_be_pasted_from_the_browser(url: str, expected: str):
    assert resolve_target(ConnectionOptions(url=url, token="t"), {}, Path("/nowhere")).url == expected


@pytest.mark.parametrize(
    "url",
    [
        "x.example",
        "ftp://x.example",
        "ftp://me:secret@x.example",
        "https://",
        "https://[",
        "https://me:secret@[",
        "https://me:secret@x.example",
    ],
)
def test_a_wrong_address_is_wrong_usage_and_shows_no_password(url: str):
    with pytest.raises(UsageError) as caught:
        resolve_target(ConnectionOptions(url=url, token="t"), {}, Path("/nowhere"))
    assert "secret" not in caught.value.sentence


def test_without_any_sandbox_the_sentence_says_what_to_set(tmp_path: Path):
    ended = run(FakeTenancy(), "list", environ={}, home=tmp_path)
    assert ended.code == 2
    assert "TENANCY_URL" in ended.err
    assert "make up" in ended.err


def test_a_sandbox_file_that_is_no_json_is_a_sentence(home: Path):
    (home / "ports.json").write_text("{")
    with pytest.raises(UsageError, match=r"ports\.json cannot be read"):
        resolve_target(NOBODY, {}, home)


def test_this_machine_is_reached_without_a_proxy():
    loopback = [
        Target(f"http://{host}").on_loopback for host in ("127.0.0.1:8080", "[::1]:80", "localhost", "a.localhost")
    ]
    assert (loopback, Target("https://x.example").on_loopback) == ([True] * 4, False)


def test_a_target_shows_neither_password_nor_token():
    assert "hush" not in repr(Target("https://x.example", user="a", password="hush", token="hush"))
