"""What Helm makes of an API that answers badly: worth another try or not, and never taken for success."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tenancy.adapters.helm import Helm
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError
from tests.conformance.server import Server

_VERSION = json.dumps({"major": "1", "minor": "34", "gitVersion": "v1.34.0"})


@contextmanager
def answering(status: int, body: str, *, version: bool = True) -> Iterator[Helm]:
    """Helm in a cluster that tells its version, if `version`, and answers everything else so."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = version and self.path.startswith("/version")
            text = (_VERSION if known else body).encode()
            self.send_response(200 if known else status)
            self.send_header("Content-Type", "application/json" if text.startswith(b"{") else "text/plain")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        kubeconfig = Server(f"http://127.0.0.1:{server.server_port}", "token").kubeconfig()
        yield Helm(lambda: kubeconfig, "the cluster", deadline=30.0)
        server.shutdown()


def _status(code: int, reason: str, message: str) -> str:
    status = {"status": "Failure", "message": message, "reason": reason, "code": code}
    return json.dumps({"kind": "Status", "apiVersion": "v1", **status})


MAY_PASS = {
    502: "<html>Bad Gateway</html>",
    503: "Service Unavailable",
    504: _status(504, "Timeout", "Timeout: request did not complete within the allotted timeout"),
}
RIGHT = 'secrets is forbidden: User "ops" cannot list resource "secrets" in API group "" in the namespace "acme"'
OUR_ACCOUNT = {401: "Unauthorized", 403: _status(403, "Forbidden", RIGHT)}
POLICY = _status(403, "Forbidden", 'secrets "a" is forbidden: the policy timeout-conflict: EOF, connection refused')
VERBS: dict[str, Callable[[Helm], object]] = {
    "status": lambda helm: helm.status("acme", "acme"),
    "uninstall": lambda helm: helm.uninstall("acme", "acme"),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", MAY_PASS)
def test_a_failing_api_is_tried_again(status: int, verb: str):
    with answering(status, MAY_PASS[status]) as helm, pytest.raises(TransientError, match=f"helm {verb} of acme"):
        VERBS[verb](helm)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", OUR_ACCOUNT)
def test_an_api_that_refuses_our_account_is_the_platforms_matter(status: int, verb: str):
    with answering(status, OUR_ACCOUNT[status]) as helm, pytest.raises(PlatformError, match=f"helm {verb} of acme"):
        VERBS[verb](helm)


@pytest.mark.parametrize("verb", VERBS)
def test_a_policys_words_make_no_refusal_worth_another_try(verb: str):
    with answering(403, POLICY) as helm, pytest.raises(PermanentError, match="admission refused") as refused:
        VERBS[verb](helm)
    assert refused.value.cause is Cause.CLUSTER_ADMISSION


def test_a_right_that_is_missing_is_named_with_verb_resource_and_account():
    with answering(403, OUR_ACCOUNT[403]) as helm, pytest.raises(PlatformError, match="ops may not list secrets") as no:
        helm.uninstall("acme", "acme")
    assert no.value.cause is Cause.CLUSTER_RIGHTS


def test_a_cluster_that_is_not_there_is_unreachable():
    kubeconfig = Server("http://127.0.0.1:1", "token").kubeconfig()
    with pytest.raises(TransientError, match="cluster unreachable") as silent:
        Helm(lambda: kubeconfig, "the cluster", deadline=30.0).status("acme", "acme")
    assert silent.value.cause is Cause.CLUSTER_UNREACHABLE


def test_an_api_that_does_not_know_us_is_not_called_unreachable():
    with answering(401, "Unauthorized", version=False) as helm, pytest.raises(PlatformError, match="credentials") as no:
        helm.status("acme", "acme")
    assert no.value.cause is Cause.CLUSTER_CREDENTIALS


def test_uninstalling_what_is_not_there_is_fine():
    nothing = json.dumps({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": []})
    with answering(200, nothing) as helm:
        helm.uninstall("acme", "acme")
