"""Why `tenantctl` cannot ask: each thing that may be wrong has its own sentence and exit code."""

import datetime
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tenantctl.client import ApiClient
from tenantctl.exit_codes import ExitCode, TenantctlError
from tenantctl.target import Target
from tests.contract.fake_documents import BASE
from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant
from tests.unit.tenantctl_runner import ENVIRON, run

HEALTH = "/api/v2/monitor/health"
DEAD = httpx.Response(200, json={"metadatabase": {"status": "unhealthy"}, "scheduler": {"status": "unhealthy"}})
WELL = httpx.Response(200, json={"metadatabase": {"status": "healthy"}, "scheduler": {"status": "unhealthy"}})
DATABASE, PASSWORD = "does not reach its own database", "Check TENANCY_USER and TENANCY_PASSWORD"


@pytest.fixture
def api() -> FakeTenancy:
    return FakeTenancy(FakeTenant("acme", "Failed settled"))


def answering(login: httpx.Response, health: httpx.Response | Exception) -> Callable[[httpx.Request], httpx.Response]:
    """Airflow, as long as its login and its health report are asked; nothing gets further."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == HEALTH:
            assert "authorization" not in request.headers
            if isinstance(health, Exception):
                raise health
            return health
        return login

    return answer


def refused() -> httpx.Response:
    return httpx.Response(401, json={"detail": "Invalid credentials"})


@pytest.mark.parametrize(
    ("login", "health", "code", "says"),
    [
        (refused(), DEAD, ExitCode.FAILED, DATABASE),
        (refused(), WELL, ExitCode.NOT_ALLOWED, PASSWORD),
        (refused(), httpx.Response(404, text="404 page not found"), ExitCode.NOT_ALLOWED, PASSWORD),
        (refused(), httpx.Response(200, html="<h1>Sign in</h1>"), ExitCode.NOT_ALLOWED, PASSWORD),
        (refused(), httpx.Response(200, json=["odd"]), ExitCode.NOT_ALLOWED, PASSWORD),
        (refused(), httpx.Response(200, json={"metadatabase": None}), ExitCode.NOT_ALLOWED, PASSWORD),
        (refused(), httpx.ReadTimeout("late"), ExitCode.NOT_ALLOWED, PASSWORD),
        (httpx.Response(500, text="Internal Server Error"), DEAD, ExitCode.FAILED, DATABASE),
        (httpx.Response(500, text="Internal Server Error"), WELL, ExitCode.FAILED, "failed at /auth/token (500)"),
        (httpx.Response(500, json={"detail": "boom"}), DEAD, ExitCode.FAILED, DATABASE),
        (httpx.Response(500, json={"detail": "boom"}), WELL, ExitCode.FAILED, "Tenancy failed at this (500): boom."),
        (httpx.Response(502, html="<h1>Bad Gateway</h1>"), WELL, ExitCode.FAILED, "A proxy before"),
        (httpx.Response(200, html="<h1>Sign in</h1>"), WELL, ExitCode.FAILED, "a web page: a login's or a proxy's?"),
        (
            httpx.Response(401, html="<h1>Who?</h1>", headers={"WWW-Authenticate": 'Basic realm="corp"'}),
            httpx.Response(401),
            ExitCode.FAILED,
            "requires a login of its own (Basic)",
        ),
        (
            httpx.Response(404, text="404 page not found"),
            WELL,
            ExitCode.FAILED,
            "is not the Tenancy API (404 at /auth/token)",
        ),
        (
            httpx.Response(400, html="The plain HTTP request was sent to HTTPS port"),
            WELL,
            ExitCode.FAILED,
            "accepts TLS only: give its address with https://",
        ),
    ],
)
def test_each_answer_to_a_login_is_distinguished(
    api: FakeTenancy, login: httpx.Response, health: httpx.Response | Exception, code: ExitCode, says: str
):
    api.before.append(answering(login, health))
    ended = run(api, "list")
    assert (ended.code, says in ended.err) == (code, True), ended.err
    assert ended.err.count("\n") == 1
    assert (PASSWORD in ended.err) is (code is ExitCode.NOT_ALLOWED), "a right password is not called wrong"


@pytest.mark.parametrize("status", [401, 500])
def test_a_token_is_not_called_wrong_either_while_the_database_is_away(api: FakeTenancy, status: int):
    answer = httpx.Response(status, json={"detail": "Invalid JWT token"})
    api.before.append(answering(answer, DEAD))
    ended = run(api, "show", "acme", "--token", "abc")
    assert (ended.code, DATABASE in ended.err) == (ExitCode.FAILED, True)


def test_a_problem_of_tenancys_own_needs_no_diagnosis(api: FakeTenancy):
    def away(request: httpx.Request) -> httpx.Response | None:
        assert request.url.path != HEALTH
        problem = {"status": 500, "detail": "Something went wrong here.", "title": "x"}
        headers = {"Content-Type": "application/problem+json"}
        return httpx.Response(500, json=problem, headers=headers) if request.url.path.startswith(BASE) else None

    api.before.append(away)
    assert "Something went wrong here." in run(api, "show", "acme").err


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (httpx.ConnectError("[Errno -2] Name or service not known"), "There is no host of this name"),
        (httpx.ConnectError("[Errno -3] Temporary failure in name resolution"), "There is no host of this name"),
        (httpx.ConnectError("[Errno 111] Connection refused"), "cannot be reached ([Errno 111] Connection refused)"),
        (httpx.ReadTimeout("late"), "did not respond within 60 s"),
        (
            httpx.ConnectError("[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert"),
            "TLS with https://tenancy.example failed",
        ),
    ],
)
def test_each_kind_of_connection_failure_is_distinguished(api: FakeTenancy, error: Exception, says: str):
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    api.before.append(fail)
    ended = run(api, "list", environ=ENVIRON)
    assert (ended.code, says in ended.err) == (ExitCode.FAILED, True), ended.err
    assert PASSWORD not in ended.err


class _Silent(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _listening(wrap: Callable[[HTTPServer], None] = lambda _: None) -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Silent)
    wrap(server)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def _diagnosis(url: str) -> str:
    with ApiClient(Target(url, user="op", password="x")) as api, pytest.raises(TenantctlError) as caught:
        api.get("/tenants")
    assert caught.value.code is ExitCode.FAILED
    return caught.value.sentence


def test_a_certificate_that_is_not_trusted_is_named_by_a_real_handshake(tmp_path: Path):
    def with_tls(server: HTTPServer) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificate(tmp_path))
        server.socket = context.wrap_socket(server.socket, server_side=True)

    with _listening(with_tls) as port:
        sentence = _diagnosis(f"https://localhost:{port}")
    assert f"The TLS certificate of https://localhost:{port} is not trusted" in sentence
    assert "SSL_CERT_FILE" in sentence


def test_a_server_without_tls_is_named_by_a_real_handshake():
    with _listening() as port:
        assert "does not use TLS: give its address with http://" in _diagnosis(f"https://localhost:{port}")


def _certificate(folder: Path) -> Path:
    """Signed by itself; key and certificate in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "localhost.pem"
    path.write_bytes(private + certificate.public_bytes(pem))
    return path
