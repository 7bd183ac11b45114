"""The service user's token: one login for all clients that share it, and a new one when Airflow refuses it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tenancy.adapters.airflow_client import AirflowClient, Token, shared_token
from tenancy.saga.errors import PlatformError


@dataclass
class Airflow:
    """It accepts the newest tokens, and knows one password."""

    url: str = ""
    password: str = "secret"
    logins: int = 0
    valid: set[str] = field(default_factory=set)

    def client(self, token: Token | None = None, password: str = "secret") -> AirflowClient:
        return AirflowClient(self.url, user="tenancy-service", password=password, read_seconds=2, token=token)

    def expire_tokens(self) -> None:
        self.valid.clear()


@pytest.fixture
def airflow() -> Iterator[Airflow]:
    airflow = Airflow()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            airflow.logins += 1
            if body["password"] != airflow.password:
                return self.answer(401, {"detail": "Invalid credentials"})
            airflow.valid.add(token := f"token-{airflow.logins}")
            return self.answer(201, {"access_token": token})

        def do_GET(self) -> None:
            accepted = self.headers["Authorization"].removeprefix("Bearer ") in airflow.valid
            self.answer(200, {"is_paused": False}) if accepted else self.answer(401, {"detail": "Token Expired"})

        def answer(self, status: int, document: dict[str, object]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    airflow.url = f"http://127.0.0.1:{server.server_port}"
    yield airflow
    server.shutdown()
    server.server_close()


def test_clients_that_share_a_token_log_in_once(airflow: Airflow):
    token = Token()
    for _ in range(3):
        airflow.client(token).call("GET", "/dags/a")
    assert airflow.logins == 1


def test_a_client_without_a_shared_token_has_its_own(airflow: Airflow):
    airflow.client().call("GET", "/dags/a")
    airflow.client().call("GET", "/dags/a")
    assert airflow.logins == 2


def test_an_expired_token_is_renewed_for_all_of_them(airflow: Airflow):
    token = Token()
    first, second = airflow.client(token), airflow.client(token)
    first.call("GET", "/dags/a")
    airflow.expire_tokens()
    second.call("GET", "/dags/a")
    first.call("GET", "/dags/a")
    assert airflow.logins == 2


def test_threads_whose_token_expires_at_once_all_get_their_answers(airflow: Airflow):
    token = Token()
    airflow.client(token).call("GET", "/dags/a")
    airflow.expire_tokens()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: airflow.client(token).call("GET", "/dags/a"), range(24)))
    assert {answer.status_code for answer in answers} == {200}
    assert 2 <= airflow.logins <= 1 + 8, "each thread at most once"
    assert token.value in airflow.valid


def test_a_refused_login_leaves_no_token(airflow: Airflow):
    token = Token()
    airflow.client(token).call("GET", "/dags/a")
    airflow.expire_tokens()
    airflow.password = "another"
    with pytest.raises(PlatformError, match="login of tenancy-service"):
        airflow.client(token).call("GET", "/dags/a")
    assert token.value == ""


def test_a_process_has_one_token_for_each_login():
    url, user = "http://airflow.example", "tenancy-service"
    assert shared_token(url, user, "one") is shared_token(url, user, "one")
    assert shared_token(url, user, "one") is not shared_token(url, user, "two")
    assert shared_token(url, user, "one") is not shared_token("http://other.example", user, "one")
