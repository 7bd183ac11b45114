"""Interprets refusals by a Kubernetes API server: the class of error, the cause, and one sentence. Pure.

There are two entries. `judge_status` reads a Status document (code, reason, details.causes). `judge_text` reads a text
that Helm 4 or a controller passes on without the document.

A text is matched only where the API server itself wrote it. Quoted names are removed, the message of a policy, a
webhook or a validation is cut off, and a pattern must match a whole part of Go's wrapped error ("context: context:
message"). So neither names nor foreign messages decide. The wording is that of Kubernetes 1.27 to 1.36
(apiserver/pkg/endpoints/handlers/responsewriters, client-go/rest).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError

Failure = type[TransientError] | type[PermanentError] | type[PlatformError]


@dataclass(frozen=True)
class ErrorMeaning:
    """`sentence` is our description; it is empty if the server's own message is the best one."""

    error: Failure
    cause: Cause
    sentence: str = ""


_BUSY_CODES: Final = frozenset({408, 409, 425, 429})
_ADMISSION: Final = ErrorMeaning(PermanentError, Cause.CLUSTER_ADMISSION, "admission refused")
_QUOTA: Final = ErrorMeaning(PermanentError, Cause.CLUSTER_QUOTA)
_ENDING: Final = ErrorMeaning(TransientError, Cause.CLUSTER_ENDING)
_WEBHOOK: Final = ErrorMeaning(TransientError, Cause.CLUSTER_WEBHOOK, "an admission webhook does not respond")
_CREDENTIALS: Final = ErrorMeaning(
    PlatformError,
    Cause.CLUSTER_CREDENTIALS,
    "the cluster does not accept the credentials of the region's Airflow connection; renew its token",
)
_SILENT: Final = ErrorMeaning(TransientError, Cause.CLUSTER_UNREACHABLE)
_BUSY: Final = ErrorMeaning(TransientError, Cause.CLUSTER_REFUSES)
_REFUSES: Final = ErrorMeaning(PermanentError, Cause.CLUSTER_REFUSES)
Table = tuple[tuple[re.Pattern[str], ErrorMeaning], ...]

_RIGHT: Final = re.compile(
    r'(?:^|: )User "(?P<user>(?:[^"\\]|\\.)*)" cannot (?P<verb>\S+) '
    r'(?:resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"|path "(?P<path>[^"]*)")'
    r'(?: in the namespace "(?P<namespace>[^"]*)"| at the cluster scope)?(?=$|:|\s)'
)
_GRANT: Final = re.compile(r'is forbidden: user "[^"]*" \(groups=.*\) is attempting to grant RBAC permissions')
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_OTHERS: Final = re.compile(
    r"denied the request(?:: | without explanation|$)|denied request(?:: |$)|is invalid: |"
    r"is forbidden: (?!User \"|user \"|exceeded quota: |unable to create new content in namespace )"
)
"""After one of these the message of another party begins: a policy, a webhook, an admission plug-in or a validation."""


def _part(*patterns: str) -> re.Pattern[str]:
    """A pattern that matches a whole part between two ": ", or at the edge of the text."""
    return re.compile(rf"(?:^|: |\n)(?:{'|'.join(patterns)})(?=$|: |\n)")


_WEBHOOK_DOWN: Final = re.compile(r'(?:^|: )failed calling webhook "')
_QUOTA_SPENT: Final = re.compile(r"(?:^|: )exceeded quota: ")
_NAMESPACE_ENDS: Final = _part(r"unable to create new content in namespace \S+ because it is being terminated")
_UNKNOWN_USER: Final = _part(
    "Unauthorized", r"(?:the server has asked for the client to provide credentials|You must be logged in).*"
)
_NO_ANSWER: Final = _part(
    "[Kk]ubernetes cluster unreachable",
    r"dial (?:tcp|unix|udp).*",
    r"(?:read|write) tcp \S+",
    "(?:unexpected )?EOF",
    r"(?:connection refused|connection reset by peer|broken pipe|no route to host|network is unreachable)",
    r"[^:]*i/o timeout",
    r"TLS handshake timeout|tls handshake timeout",
    r"(?:server closed idle|http2: client|http2: server sent|use of closed network|client) connection.*",
    r"http2: .*|net/http: (?:request canceled|timeout|TLS handshake).*",
    r"client rate limiter Wait returned an error",
    r"no such host|server misbehaving",
)
_BUSY_NOW: Final = _part(
    r"context (?:canceled|deadline exceeded)",
    r"Client\.Timeout (?:exceeded|or context).*|.*\(Client\.Timeout exceeded while awaiting headers\)",
    r"(?:Timeout|request did not complete within .*|timed out waiting for .*)",
    r"Internal error occurred|InternalError|Service Unavailable|Bad Gateway|Gateway Timeout",
    r"the server has received too many requests and has asked us to try again later.*|Too [Mm]any [Rr]equests.*",
    r"the server is currently unable to handle the request.*",
    r"the server was unable to return a response in the time allotted.*",
    r"the server rejected our request due to an error in our request.*",
    r"the server could not find the requested resource.*",
    r"an error on the server \(.*\) has prevented the request from succeeding.*",
    r"unexpected status(?: code)?.*",
    r"etcdserver|.*leader changed.*",
    r"(?:please apply your changes to the latest version.*|the object has been modified; please apply .*)",
    r"Operation cannot be fulfilled on .*",
    r"Apply failed with \d+ conflicts?|conflict with \"[^\"]*\".*",
    r"another operation \(install/upgrade/rollback\) is in progress.*",
    r"cannot re-?use a name that is still in use.*",
    r".*object is being deleted.*|.*because it is being terminated",
)


_BY_WORDS: Final[Table] = (
    (_WEBHOOK_DOWN, _WEBHOOK),
    (
        _GRANT,
        ErrorMeaning(PlatformError, Cause.CLUSTER_RIGHTS, "our account may not grant rights that it lacks itself"),
    ),
    (_NAMESPACE_ENDS, _ENDING),
    (_QUOTA_SPENT, _QUOTA),
    (re.compile(r"is forbidden: $|denied (?:the )?request(?:: | without explanation)?$"), _ADMISSION),
    (re.compile(r"is invalid: $"), _REFUSES),
)
_PASSING: Final[Table] = ((_UNKNOWN_USER, _CREDENTIALS), (_NO_ANSWER, _SILENT), (_BUSY_NOW, _BUSY))


def classify_status(code: int, status: Mapping[str, Any]) -> ErrorMeaning:
    """The meaning of a refusal with this HTTP code and Status document; `status` may be empty."""
    message, reasons = str(status.get("message") or ""), _reasons(status)
    if code == 401:
        return _CREDENTIALS
    if "NamespaceTerminating" in reasons:
        return _ENDING
    known = _known(message)
    if known is not None:
        return known
    if code == 403 and status.get("reason") == "Forbidden":
        return _ADMISSION
    if code >= 500 or code in _BUSY_CODES:
        return _BUSY
    return _REFUSES


def classify_text(text: str, *, otherwise: ErrorMeaning | None = None) -> ErrorMeaning:
    """The meaning of a text that contains an API server's message; `otherwise` if nothing in it is known."""
    blanked, _ = _own_words(text)
    return _known(text) or _first(_PASSING, blanked) or otherwise or _REFUSES


def _known(text: str) -> ErrorMeaning | None:
    """Meanings that only the server's text distinguishes, because several share a code and reason."""
    blanked, plain = _own_words(text)
    right = _RIGHT.search(plain)
    if right and not _WEBHOOK_DOWN.search(blanked):
        return _missing_right(right)
    return _first(_BY_WORDS, blanked)


def _first(table: Table, blanked: str) -> ErrorMeaning | None:
    return next((judgement for pattern, judgement in table if pattern.search(blanked)), None)


def _own_words(text: str) -> tuple[str, str]:
    """The server's own part of the text without quoted names, and the same part with them."""
    plain = " ".join(text.split())
    blanked = _QUOTED.sub(lambda quoted: f'"{"·" * (len(quoted[0]) - 2)}"', plain)
    others = _OTHERS.search(blanked)
    end = others.end() if others else len(plain)
    return blanked[:end], plain[:end]


def _missing_right(right: re.Match[str]) -> ErrorMeaning:
    if right["user"] == "system:anonymous":
        return _CREDENTIALS
    where = f" in the namespace {right['namespace']}" if right["namespace"] else " at the cluster scope"
    group = f" (API group {right['group']})" if right["group"] else ""
    what = f"the path {right['path']}" if right["path"] else f"{right['resource']}{group}{where}"
    sentence = f"{right['user']} may not {right['verb']} {what}; grant this right by a Role or ClusterRole"
    return ErrorMeaning(PlatformError, Cause.CLUSTER_RIGHTS, sentence)


def _reasons(status: Mapping[str, Any]) -> set[str]:
    causes = (status.get("details") or {}).get("causes") or []
    return {str(cause.get("reason", "")) for cause in causes if isinstance(cause, dict)}
