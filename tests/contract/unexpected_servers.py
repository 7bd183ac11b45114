"""HTTP servers with unexpected responses, in place of a cluster or an Airflow."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, str, str]
"""Status, content type, body."""

_JSON = "application/json"
_PAGE = "<!doctype html><title>Sign in</title><form action='/login'><input name='user'></form>"
_UID = "00000000-0000-0000-0000-00000000abad"


def router(_method: str, _path: str) -> Answer:
    return 404, "text/plain", "404 page not found"


def other_json(_method: str, _path: str) -> Answer:
    return 404, _JSON, json.dumps({"error": {"code": "ROUTE_NOT_FOUND", "message": "no such route"}})


def fastapi_without_the_route(_method: str, _path: str) -> Answer:
    return 404, _JSON, json.dumps({"detail": "Not Found"})


def status_without_details(_method: str, _path: str) -> Answer:
    """What an API server says of a kind that it does not have."""
    message = "the server could not find the requested resource"
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
    return 404, _JSON, json.dumps({**status, "message": message, "details": {}})


def login_page(_method: str, _path: str) -> Answer:
    return 200, "text/html", _PAGE


def empty_json(_method: str, _path: str) -> Answer:
    return 200, _JSON, "{}"


def gone_for_good(_method: str, _path: str) -> Answer:
    return 410, "text/html", "<h1>Gone</h1>"


def other_cluster(method: str, path: str) -> Answer:
    """A real API server's answers, of a cluster that has nothing of ours."""
    plain = path.partition("?")[0]
    *_, plural, name = plain.split("/")
    if plain == "/api/v1/namespaces/kube-system":
        metadata = {"name": name, "uid": _UID}
        return 200, _JSON, json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    if method == "GET" and name in {"secrets", "pods", "events", "namespaces"}:
        return 200, _JSON, json.dumps({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": []})
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
    details = {"name": name, "kind": plural}
    return 404, _JSON, json.dumps({**status, "message": f'{plural} "{name}" not found', "details": details})


def other_airflow(_method: str, path: str) -> Answer:
    """A real Airflow's answers, of one that has nothing of ours."""
    name = path.rpartition("/")[2]
    return 404, _JSON, json.dumps({"detail": f"The Connection with connection_id: `{name}` was not found"})


@contextmanager
def serving(answer: Callable[[str, str], Answer]) -> Iterator[str]:
    """The address of a server that answers so; a login to Airflow's API always succeeds."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, kind, body = answer(self.command, self.path)
            if self.path == "/auth/token":
                status, kind, body = 201, _JSON, json.dumps({"access_token": "a token"})
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._answer)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent() -> Iterator[int]:
    """The port of a server that accepts every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as door:
        yield door.getsockname()[1]
