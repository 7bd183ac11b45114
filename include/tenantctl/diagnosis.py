"""Why a request failed: the platform's database, the network, TLS, a proxy or the address. Pure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from tenantctl.exit_codes import ApiFailure, TenantctlError, Unavailable

if TYPE_CHECKING:
    import httpx

HEALTH: Final = "/api/v2/monitor/health"
"""Airflow's health report. It needs no login, and answers even when Airflow's database does not."""
HEALTH_SECONDS: Final = 5.0
_DOUBTFUL: Final = frozenset({401, 403, 500})
"""What Airflow 3.3.2 answers to a correct login while its database is unavailable: it cannot look up the user."""
_NO_NAME: Final = ("name or service not known", "nodename nor servname", "name resolution", "getaddrinfo failed")


def is_doubtful(response: "httpx.Response") -> bool:
    """Whether Airflow's database may be the cause of this response, and not the login."""
    return response.status_code in _DOUBTFUL and "problem+json" not in response.headers.get("content-type", "")


def diagnose_health(where: str, health: Mapping[str, Any] | None) -> TenantctlError | None:
    """The error if Airflow's health report explains why the login was not accepted; else None."""
    database = (health or {}).get("metadatabase")
    status = database.get("status") if isinstance(database, dict) else None
    if status is None or status == "healthy":
        return None
    return Unavailable(
        f"Airflow at {where} does not reach its own database ({HEALTH}: metadatabase {status}), so it cannot check any "
        "login: yours may be right. This is a platform matter: have somebody check that PostgreSQL, then try again.",
        retry_after=30,
    )


def diagnose_connection(where: str, error: "httpx.TransportError") -> TenantctlError | None:
    """The network or TLS error, if the exception shows which; else None."""
    text = str(error)
    if any(words in text.lower() for words in _NO_NAME):
        return Unavailable(f"There is no host of this name, for {where}: check --url or TENANCY_URL, and your network.")
    tls = _of_tls(where, text)
    return ApiFailure(f"{tls} Nothing was sent.") if tls else None


def _of_tls(where: str, text: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in text:
        reason = text.partition("CERTIFICATE_VERIFY_FAILED]")[2].strip(" :") or text
        remedy = "check the host in --url, or set SSL_CERT_FILE to your company's CA."
        return f"The TLS certificate of {where} is not trusted ({reason}): {remedy}"
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text:
        return f"{where} does not use TLS: give its address with http://, or check the port in --url."
    return f"TLS with {where} failed ({text}): check --url and SSL_CERT_FILE." if "[SSL" in text else ""


def diagnose_foreign_server(where: str, response: "httpx.Response") -> str | None:
    """Which other server answered instead of Tenancy, if the response shows it; else None."""
    scheme = response.headers.get("www-authenticate", "").partition(" ")[0]
    if response.status_code in {401, 407} and scheme and scheme.lower() != "bearer":
        return f"A proxy before {where} requires a login of its own ({scheme}): Tenancy was not reached."
    if "https port" in response.text[:2000].lower():
        return f"{where} accepts TLS only: give its address with https://."
    return None
