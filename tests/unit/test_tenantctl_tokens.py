"""`tenantctl` keeps a login's token: privately, for one user of one server, until it expires, and never at any cost."""

import base64
import json
import os
from pathlib import Path

import httpx
import pytest

from tenantctl.token_store import TokenStore, default_folder, expires_at
from tests.contract.fake_documents import BASE
from tests.contract.fake_tenancy_api import PASSWORD, FakeTenancy
from tests.contract.fake_tenant import FakeTenant
from tests.unit.tenantctl_runner import ENVIRON, CommandResult, run

NOW = 1_800_000_000.0
URL, USER = ENVIRON["TENANCY_URL"], ENVIRON["TENANCY_USER"]


def jwt(expires: object = NOW + 3600, sign: str = "c2lnbmVk") -> str:
    """A token as Airflow issues it; nobody here checks its signature."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "1", "exp": expires}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{claims}.{sign}"


class TokenServer:
    """The fake API, which issues tokens of a name of their own and may refuse some."""

    def __init__(self) -> None:
        self.api = FakeTenancy(FakeTenant("acme"))
        self.api.before.append(self._answer)
        self.issued: list[str] = []
        self.refused: set[str] = set()

    def _answer(self, request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/auth/token":
            if json.loads(request.content)["password"] != PASSWORD:
                return None
            self.issued.append(jwt(sign=f"login-{len(self.issued)}"))
            return httpx.Response(201, json={"access_token": self.issued[-1]})
        if not request.url.path.startswith(BASE):
            return None
        if request.headers["authorization"].removeprefix("Bearer ") in self.refused:
            return httpx.Response(401, json={"detail": "Token Expired"})
        return _without_token_check(self.api, request)

    @property
    def logins(self) -> int:
        return sum(request.url.path == "/auth/token" for request in self.api.requests)


def _without_token_check(api: FakeTenancy, request: httpx.Request) -> httpx.Response:
    return api._inside(request)


@pytest.fixture
def server() -> TokenServer:
    return TokenServer()


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(tmp_path / "state" / "tenantctl", now=lambda: NOW)


def listed(server: TokenServer, store: TokenStore, *more: str, **changes: str) -> CommandResult:
    return run(server.api, "list", *more, tokens=store, environ={**ENVIRON, **changes})


def only_file(store: TokenStore) -> Path:
    assert store.folder is not None
    (path,) = store.folder.iterdir()
    return path


def test_the_second_command_is_one_request(server: TokenServer, store: TokenStore):
    assert [listed(server, store).code for _ in range(2)] == [0, 0]
    assert [request.url.path for request in server.api.requests] == [
        "/auth/token",
        f"{BASE}/tenants",
        f"{BASE}/tenants",
    ]


def test_only_its_owner_can_read_it(server: TokenServer, store: TokenStore):
    before = os.umask(0)
    try:
        listed(server, store)
    finally:
        os.umask(before)
    assert only_file(store).stat().st_mode & 0o777 == 0o600
    assert only_file(store).parent.stat().st_mode & 0o777 == 0o700


def test_it_is_kept_for_one_user_of_one_server(server: TokenServer, store: TokenStore):
    listed(server, store)
    listed(server, store, TENANCY_USER="other")
    listed(server, store, TENANCY_URL="https://elsewhere.example")
    assert server.logins == 3
    sent = {(str(r.url.host), r.headers.get("authorization")) for r in server.api.requests if BASE in r.url.path}
    assert sent == {
        ("tenancy.example", f"Bearer {server.issued[0]}"),
        ("tenancy.example", f"Bearer {server.issued[1]}"),
        ("elsewhere.example", f"Bearer {server.issued[2]}"),
    }


def test_one_that_has_expired_is_not_sent(server: TokenServer, store: TokenStore):
    listed(server, store)
    later = TokenStore(store.folder, now=lambda: NOW + 3600)
    listed(server, later)
    assert server.logins == 2


def test_one_that_the_server_refuses_is_renewed_once_and_replaced(server: TokenServer, store: TokenStore):
    listed(server, store)
    server.refused.update(server.issued)
    assert listed(server, store).code == 0
    assert server.logins == 2
    assert store.load(URL, USER) == server.issued[1]


def test_a_wrong_password_after_a_refused_token_is_not_allowed_and_leaves_no_token(
    server: TokenServer, store: TokenStore
):
    listed(server, store)
    server.refused.update(server.issued)
    ended = listed(server, store, TENANCY_PASSWORD="wrong")
    assert (ended.code, "Check TENANCY_USER" in ended.err) == (5, True)
    assert store.load(URL, USER) == ""


def test_a_password_on_the_command_line_is_checked_and_its_token_not_kept(server: TokenServer, store: TokenStore):
    assert listed(server, store, "--password", PASSWORD).code == 0
    assert store.load(URL, USER) == ""
    listed(server, store)
    assert listed(server, store, "--password", "wrong").code == 5
    assert store.load(URL, USER) == server.issued[-1], "the user's own is not lost by that"


def test_a_given_token_is_neither_kept_nor_replaced(server: TokenServer, store: TokenStore):
    assert listed(server, store, "--token", jwt()).code == 0
    assert (server.logins, store.folder is not None and store.folder.exists()) == (0, False)


UNREADABLE = ["", "{", "[]", "null", '{"url": 1}', "\x00", json.dumps({"url": URL, "user": USER})]


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_file_that_cannot_be_understood_is_replaced(server: TokenServer, store: TokenStore, text: str):
    listed(server, store)
    only_file(store).write_text(text)
    assert listed(server, store).code == 0
    assert (server.logins, store.load(URL, USER)) == (2, server.issued[1])


def test_a_file_that_is_no_text_is_replaced(server: TokenServer, store: TokenStore):
    listed(server, store)
    only_file(store).write_bytes(b"\xff\xfe")
    assert listed(server, store).code == 0
    assert store.load(URL, USER) == server.issued[1]


def test_a_file_that_others_may_read_or_that_is_a_link_is_not_trusted(
    server: TokenServer, store: TokenStore, tmp_path: Path
):
    listed(server, store)
    path = only_file(store)
    path.chmod(0o644)
    assert store.load(URL, USER) == ""
    listed(server, store)
    assert (store.load(URL, USER), path.stat().st_mode & 0o777) == (server.issued[1], 0o600)
    elsewhere = path.rename(tmp_path / "elsewhere")
    path.symlink_to(elsewhere)
    assert store.load(URL, USER) == ""


def test_a_token_that_could_not_be_sent_is_not_used(store: TokenStore):
    store.save(URL, USER, jwt())
    path = only_file(store)
    path.write_text(json.dumps({"url": URL, "user": USER, "token": f"{jwt()}\r\nX-Injected: 1"}))
    assert store.load(URL, USER) == ""


def test_where_nothing_can_be_written_each_command_logs_in_and_nobody_is_bothered(server: TokenServer, tmp_path: Path):
    (tmp_path / "state").write_text("a file where a folder is wanted")
    store = TokenStore(tmp_path / "state" / "tenantctl", now=lambda: NOW)
    ended = [listed(server, store) for _ in range(2)]
    assert [(each.code, each.err) for each in ended] == [(0, "")] * 2
    assert server.logins == 2


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.bnVsbA.c", jwt("soon"), jwt(None), jwt(NOW + 5)])
def test_what_does_not_say_how_long_it_is_valid_is_not_kept(store: TokenStore, token: str):
    store.save(URL, USER, token)
    assert store.folder is not None
    assert not store.folder.exists()


def test_when_a_token_expires_is_read_from_it():
    assert (expires_at(jwt(NOW)), expires_at("opaque")) == (NOW, 0.0)


def test_where_tokens_are_kept():
    assert default_folder({"XDG_STATE_HOME": "/var/state"}) == Path("/var/state/tenantctl")
    assert default_folder({"XDG_STATE_HOME": "relative"}) == Path("~/.local/state/tenantctl").expanduser()
    assert default_folder({"TENANCY_KEEP_TOKEN": "0"}) is None
