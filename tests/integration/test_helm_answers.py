"""What Helm makes of an API that answers badly: worth another try or not, and never taken for success."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tenancy.adapters.helm import Helm
from tenancy.saga.errors import PermanentError, TransientError
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


def _said(code: int, reason: str, message: str) -> str:
    told = {"status": "Failure", "message": message, "reason": reason, "code": code}
    return json.dumps({"kind": "Status", "apiVersion": "v1", **told})


MAY_PASS = {
    502: "<html>Bad Gateway</html>",
    503: "Service Unavailable",
    504: _said(504, "Timeout", "Timeout: request did not complete within the allotted timeout"),
}
FOR_GOOD = {401: "Unauthorized", 403: _said(403, "Forbidden", "secrets is forbidden: User x cannot list resource")}
VERBS: dict[str, Callable[[Helm], object]] = {
    "status": lambda helm: helm.status("acme", "acme"),
    "uninstall": lambda helm: helm.uninstall("acme", "acme"),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", MAY_PASS)
def test_an_api_in_trouble_is_worth_another_try(status: int, verb: str):
    with answering(status, MAY_PASS[status]) as helm, pytest.raises(TransientError, match=f"helm {verb} of acme"):
        VERBS[verb](helm)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", FOR_GOOD)
def test_an_api_that_refuses_us_is_not(status: int, verb: str):
    with answering(status, FOR_GOOD[status]) as helm, pytest.raises(PermanentError, match=f"helm {verb} of acme"):
        VERBS[verb](helm)


def test_an_api_that_does_not_know_us_is_not_called_unreachable():
    with answering(401, "Unauthorized", version=False) as helm, pytest.raises(PermanentError, match="credentials"):
        helm.status("acme", "acme")


def test_uninstalling_what_is_not_there_is_fine():
    nothing = json.dumps({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": []})
    with answering(200, nothing) as helm:
        helm.uninstall("acme", "acme")
