"""What `tenantctl` sends, and what it makes of every answer and of none."""

import json
from collections.abc import Callable

import httpx
import pytest

from tests.contract.fake_documents import BASE, problem
from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant
from tests.unit.tenantctl_runner import ENVIRON, SleepingClock, run


@pytest.fixture
def api() -> FakeTenancy:
    return FakeTenancy(FakeTenant("acme", "Failed settled"))


def of_tenancy(request: httpx.Request) -> bool:
    return request.url.path.startswith(BASE)


def once(answer: Callable[[httpx.Request], httpx.Response]) -> Callable[[httpx.Request], httpx.Response | None]:
    """Answer the first request to Tenancy so, and leave the others to the fake."""
    asked: list[httpx.Request] = []

    def instead(request: httpx.Request) -> httpx.Response | None:
        if not of_tenancy(request) or asked:
            return None
        asked.append(request)
        return answer(request)

    return instead


def broken(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


def test_logs_in_once_and_shows_the_token(api: FakeTenancy):
    assert run(api, "escalate", "acme", "--reason", "help").code == 0
    assert [request.url.path for request in api.requests].count("/auth/token") == 1
    assert {r.headers["authorization"] for r in api.requests if of_tenancy(r)} == {"Bearer token-of-op"}


def test_a_given_token_needs_no_login(api: FakeTenancy):
    assert run(api, "show", "acme", "--token", "abc").code == 0
    assert [request.headers["authorization"] for request in api.requests] == ["Bearer abc"]


def test_a_token_that_has_run_out_is_renewed_once(api: FakeTenancy):
    api.before.append(once(lambda _: httpx.Response(401, json={"detail": "expired"})))
    # The first look gets a login; the 401 stands for a token that ran out between two looks.
    ended = run(api, "escalate", "acme", "-m", "help")
    assert ended.code == 5
    api.before[:] = []
    api.before.append(_expires_after(2))
    assert run(api, "escalate", "acme", "-m", "help").code == 0


def _expires_after(answers: int) -> Callable[[httpx.Request], httpx.Response | None]:
    requests: list[int] = []

    def instead(request: httpx.Request) -> httpx.Response | None:
        if not of_tenancy(request):
            return None
        requests.append(1)
        return httpx.Response(401, json={"detail": "expired"}) if len(requests) == answers else None

    return instead


def test_every_write_carries_the_guard_header_and_a_key_of_its_own(api: FakeTenancy):
    run(api, "reset", "acme", "--reason", "why")
    run(api, "retry", "acme", "--reason", "why")
    posts = [r for r in api.requests if r.method == "POST" and of_tenancy(r)]
    assert [r.headers["x-tenancy-request"] for r in posts] == ["1", "1"]
    assert len({r.headers["idempotency-key"] for r in posts}) == 2


def test_a_write_that_was_cut_off_is_repeated_with_the_same_key(api: FakeTenancy):
    api.before.append(once(broken(httpx.RemoteProtocolError("server disconnected"))))
    assert run(api, "reset", "acme", "--reason", "why").code == 0
    posts = [r for r in api.requests if r.method == "POST" and of_tenancy(r)]
    assert len(posts) == 2
    assert len({r.headers["idempotency-key"] for r in posts}) == 1


def test_a_repeated_write_whose_first_try_is_still_running_gets_its_answer(api: FakeTenancy):
    at_work = [problem(409, "still at work", headers={"Retry-After": "2"})] * 2
    api.before.append(once(broken(httpx.ReadError("reset by peer"))))
    api.before.append(lambda r: at_work.pop() if at_work and r.method == "POST" and of_tenancy(r) else None)
    clock = SleepingClock()
    assert run(api, "reset", "acme", "-m", "why", clock=clock).code == 0
    assert clock.slept == [2, 2]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (httpx.ConnectError("connection refused"), "cannot be reached (connection refused): check --url"),
        (httpx.ReadTimeout("timed out"), "did not respond within 60 s: try again"),
        (httpx.ProxyError("proxy says no"), "cannot be reached (proxy says no)"),
    ],
)
def test_no_answer_is_one_sentence_with_where_and_what_to_do(api: FakeTenancy, error: Exception, sentence: str):
    api.before.append(broken(error))
    ended = run(api, "show", "acme")
    assert ended.code == 1
    assert "Tenancy at https://tenancy.example" in ended.err
    assert sentence in ended.err
    assert ended.err.count("\n") == 1
    assert ended.out == ""


def test_a_write_without_an_answer_may_have_been_done_and_says_so(api: FakeTenancy):
    api.before.append(lambda r: broken(httpx.ReadTimeout("late"))(r) if of_tenancy(r) else None)
    assert "may have been done" in run(api, "reset", "acme", "-m", "why").err


def test_a_write_that_was_cut_off_and_finds_nobody_any_more_may_have_been_done(api: FakeTenancy):
    gone = iter([httpx.RemoteProtocolError("server disconnected"), httpx.ConnectError("connection refused")])
    api.before.append(lambda r: broken(next(gone))(r) if of_tenancy(r) and r.method == "POST" else None)
    printed = run(api, "reset", "acme", "-m", "why").err
    assert "cannot be reached" in printed
    assert "may have been done" in printed


@pytest.mark.parametrize("error", [httpx.ConnectError("connection refused"), httpx.ReadTimeout("late")])
def test_a_write_that_did_not_get_beyond_its_login_was_not_done(api: FakeTenancy, error: Exception):
    api.before.append(broken(error))
    assert "may have been done" not in run(api, "reset", "acme", "-m", "why").err


@pytest.mark.parametrize(
    ("answer", "code", "sentence"),
    [
        (httpx.Response(200, html="<html>a login page</html>"), 1, "is not the Tenancy API"),
        (httpx.Response(302, headers={"location": "https://elsewhere"}), 1, "give that address as --url"),
        (httpx.Response(404, json={"detail": "Not Found"}), 1, "is not the Tenancy API"),
        (httpx.Response(502, html="<html>bad gateway</html>"), 1, "A proxy before https://tenancy.example"),
        (httpx.Response(500, json={"detail": "boom"}), 1, "Tenancy failed at this (500): boom."),
        (httpx.Response(403, json={"detail": "Forbidden"}), 5, "Log in as a user who may"),
        (problem(404, "There is no tenant acme."), 4, "There is no tenant acme. `tenantctl list`"),
        (problem(400, "limit is wrong", field="limit"), 2, "limit is wrong."),
        (problem(409, "Not now.", headers={"Retry-After": "90"}), 3, "Not now. Try again in 90 seconds."),
        (problem(503, "The ledger is away.", headers={"Retry-After": "60"}), 1, "Try again in 1 minute."),
        (problem(503, "The ledger's schema is old."), 1, "The ledger's schema is old.\n"),
        (httpx.Response(503, json={"detail": "busy"}), 1, "busy. Try again in 30 seconds."),
        (httpx.Response(429, json={"detail": "slow"}, headers={"Retry-After": "soon"}), 1, "in 30 seconds."),
    ],
)
def test_each_kind_of_answer_has_its_exit_code_and_sentence(
    api: FakeTenancy, answer: httpx.Response, code: int, sentence: str
):
    api.before.append(lambda request: answer if of_tenancy(request) else None)
    ended = run(api, "show", "acme")
    assert (ended.code, ended.out) == (code, "")
    assert sentence in ended.err


def test_a_wrong_password_is_not_allowed(api: FakeTenancy):
    ended = run(api, "list", environ={**ENVIRON, "TENANCY_PASSWORD": "wrong"})
    assert ended.code == 5
    assert "Check TENANCY_USER" in ended.err
    assert "wrong" not in ended.err


def test_a_missing_password_is_requested_at_a_terminal(api: FakeTenancy):
    environ = {name: value for name, value in ENVIRON.items() if name != "TENANCY_PASSWORD"}
    assert run(api, "list", environ=environ, typed=[ENVIRON["TENANCY_PASSWORD"]]).code == 0
    assert run(api, "list", environ=environ).code == 5


@pytest.mark.parametrize("ref", ["../health", "acme/cancel", "acme?x=1", "-", "", "a b", "acme\n"])
def test_an_impossible_tenant_is_not_requested(api: FakeTenancy, ref: str):
    ended = run(api, "show", "--", ref)
    assert ended.code == 2
    assert api.requests == []


def test_json_is_exactly_the_apis_response(api: FakeTenancy):
    for arguments in (["show", "acme", "--json"], ["--json", "show", "acme"]):
        ended = run(api, *arguments)
        assert json.loads(ended.out)["slug"] == "acme"
        assert (ended.out.count("\n"), ended.err) == (1, "")


def test_json_of_a_refusal_is_the_problem_and_the_sentence_is_on_stderr(api: FakeTenancy):
    ended = run(api, "cancel", "acme", "--json", "-m", "why")
    assert ended.code == 3
    assert json.loads(ended.out)["status"] == 409
    assert ended.err.startswith("tenantctl: Cancel is refused")


@pytest.mark.parametrize("verb", ["cancel", "recover", "watch"])
def test_json_of_a_verb_that_waits_is_one_document(verb: str):
    api = FakeTenancy(FakeTenant("acme", script=["Provisioning"]))
    extra = {"cancel": ["--wait", "-m", "why"], "recover": ["-m", "why"], "watch": ["--timeout", "5"]}[verb]
    if verb in {"recover", "watch"}:
        api.tenants[0].script.append("Active")
    ended = run(api, verb, "acme", "--json", *extra, clock=SleepingClock())
    assert ended.code == 0
    assert json.loads(ended.out)["slug"] == "acme"


READS = ("list", "show acme", "timeline acme", "errors acme", "audit acme", "resources acme", "health", "findings")
WRITES = ("reset acme -m why", "retry acme -m why", "cancel {id} -m why", "reset {id} --force -m why")


@pytest.mark.parametrize("line", [*READS, *WRITES])
def test_a_command_is_one_request_with_a_token(line: str):
    tenant = FakeTenant("acme", "Failed ready" if line.startswith("retry") else "Failed settled")
    if line.startswith("cancel"):
        tenant.phase = "Provisioning"
    api = FakeTenancy(tenant)
    assert run(api, *line.format(id=tenant.id).split(), "--token", "t").code in {0, 1}
    assert len(api.requests) == 1
