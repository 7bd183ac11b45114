"""One cluster's API as plain JSON: paths in, documents out, a time-out on every call, and errors of ours.

Called by the cluster adapters. It knows HTTP and Kubernetes' Status documents, but no kinds and no tenants. Plain JSON
instead of the generated models keeps the judging code (adapters/workload_readiness.py) readable and testable.
"""

import copy
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError, ReadTimeoutError

from tenancy.adapters.absence import json_object_of, states_kubernetes_absence
from tenancy.adapters.kubernetes_errors import classify_status
from tenancy.adapters.server_deadlines import CLUSTER_WRITE_SECONDS
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError
from tenancy.saga.systems import ANY_SYSTEM, ExpectedSystem

Document = dict[str, Any]

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
FIELD_MANAGER = "tenancy"
"""The field manager of fields that we write ourselves. Helm's is in adapters/helm.py."""
_WHOLE = "application/json"
_MARKS_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_PAGE = 500
_WRITE_QUERY = {"fieldManager": FIELD_MANAGER, "timeout": f"{CLUSTER_WRITE_SECONDS:g}s"}
"""The server's own deadline. A write whose client has ended must be over at a known time."""
_WRITES = frozenset({"POST", "PUT", "PATCH"})
_FOREIGN = frozenset({400, 403, 404, 405, 409, 410, 422})
"""These statuses prove something about an object, or about our rights, only in an API server's own format."""
_NO_LOG = frozenset({400, 404})
"""What an API server answers about the log of a container that has not started, or of a pod that is gone."""
_IDENTITY = "/api/v1/namespaces/kube-system"
"""Every cluster has this namespace, nobody can delete it, and its UID is as old as the cluster (KEP-2149)."""
_OBJECT = re.compile(r"^(<[^>]*>|\w+\([^)]*\)): ")


class KubernetesApi:
    """The API server of one region. `label` names it in sentences, such as "the cluster of region eu-central"."""

    def __init__(
        self, configuration: Configuration, label: str, *, connection: str = "", read_seconds: float = READ_SECONDS
    ) -> None:
        # urllib3 would retry a hanging server three times: the time-out would be four times as long.
        configuration.retries = False
        self.configuration = configuration
        self.label = label
        self._connection = connection
        self._bounds = (min(CONNECT_SECONDS, read_seconds), read_seconds)
        self._client = ApiClient(configuration)
        self._expected = ANY_SYSTEM

    def close(self) -> None:
        """Close idle connections. Later calls open new ones."""
        self._client.rest_client.pool_manager.clear()

    def expecting(self, expected: ExpectedSystem, *, read_seconds: float | None = None) -> Self:
        """The same API, which writes to the expected cluster only, and trusts only that cluster's 404."""
        bound = copy.copy(self)
        bound._expected = expected
        if read_seconds is not None:
            bound._bounds = (min(self._bounds[0], read_seconds), min(self._bounds[1], read_seconds))
        return bound

    def identity(self) -> str:
        """The identity of the cluster: the UID of its namespace kube-system."""
        document = self._call("GET", _IDENTITY)
        uid = ((document or {}).get("metadata") or {}).get("uid")
        if not uid:
            raise self._unexpected(f"GET {_IDENTITY}", "a namespace without a UID")
        return f"kubernetes:{uid}"

    def require_same_system(self) -> None:
        """OtherSystemError if the cluster that responds now is not the expected one."""
        if self._expected.accepted:
            self._expected.require(self.identity(), self.label)

    def get(self, path: str) -> Document | None:
        """The object, if it exists. A 404 counts only from the expected cluster, in Kubernetes' own format."""
        return self._call("GET", path, absent=404)

    def list_objects(self, path: str, selector: str = "", fields: str = "") -> list[Document]:
        """Every object below the path that matches the label and field selectors."""
        return list(self._pages(path, {"labelSelector": selector, "fieldSelector": fields}, _WHOLE))

    def iterate_objects(self, path: str, selector: str) -> Iterator[Document]:
        """The same, page by page, for thousands of whole objects."""
        return self._pages(path, {"labelSelector": selector}, _WHOLE)

    def iterate_metadata(self, path: str, selector: str) -> Iterator[Document]:
        """The same, page by page, with metadata only: thousands of Secrets without their contents."""
        return self._pages(path, {"labelSelector": selector}, _MARKS_ONLY)

    def _pages(self, path: str, query: dict[str, str], accept: str) -> Iterator[Document]:
        more = ""
        while True:
            parameters = {**query, "limit": str(_PAGE), "continue": more}
            page = self._call("GET", path, query=parameters, accept=accept) or {}
            if not str(page.get("kind", "")).endswith("List"):
                raise self._unexpected(f"GET {path}", f"a {page.get('kind', 'document')} instead of a list")
            yield from page.get("items") or []
            more = page.get("metadata", {}).get("continue") or ""
            if not more:
                return

    def create(self, path: str, document: Document) -> Document | None:
        """Create it; None if one of this name exists already."""
        return self._call("POST", path, body=document, absent=409)

    def replace(self, path: str, document: Document) -> Document | None:
        """Replace the existing object."""
        return self._call("PUT", path, body=document)

    def delete(self, path: str, *, uid: str, propagation: str = "") -> None:
        """Delete the object with this UID, if it exists. A newer object of the same name stays.

        `propagation`: what becomes of the objects that it owns, if not what the server does by default.
        """
        policy = {"propagationPolicy": propagation} if propagation else {}
        self._call("DELETE", path, body={"preconditions": {"uid": uid}, **policy}, absent=404)

    def text(self, path: str, query: dict[str, str]) -> str:
        """A plain text, such as the log of a container; empty when there is none, or not yet."""
        given = [(name, value) for name, value in query.items() if value]
        headers: dict[str, str] = {"Accept": "text/plain, */*"}
        self._client.update_params_for_auth(headers, [], ["BearerToken"])
        with self._translated(f"GET {path}"):
            try:
                answer = self._client.rest_client.request(
                    "GET",
                    self.configuration.host + path,
                    query_params=given,
                    headers=headers,
                    _request_timeout=self._bounds,
                )
            except ApiException as refusal:
                if refusal.status not in _NO_LOG:
                    raise
                return ""
        return bytes(answer.data or b"").decode(errors="replace")

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Document | None = None,
        absent: int = 0,
        accept: str = _WHOLE,
    ) -> Document | None:
        headers: dict[str, str] = {"Accept": accept}
        self._client.update_params_for_auth(headers, [], ["BearerToken"])
        if method != "GET":
            self.require_same_system()
        parameters = {**_WRITE_QUERY, **(query or {})} if method in _WRITES else query or {}
        given = [(name, value) for name, value in parameters.items() if value]
        with self._translated(f"{method} {path}"):
            try:
                answer = self._client.rest_client.request(
                    method,
                    self.configuration.host + path,
                    query_params=given,
                    headers=headers,
                    body=body,
                    _request_timeout=self._bounds,
                )
            except ApiException as refusal:
                if not absent or refusal.status != absent:
                    raise
                if absent == 404:
                    self._require_absence(f"{method} {path}", path, refusal)
                return None
        document = json_object_of(answer.data)
        if not document.get("kind") and path != "/version":
            raise self._unexpected(f"{method} {path}", f"{answer.status} and no Kubernetes object")
        return document

    def _require_absence(self, what: str, path: str, refusal: ApiException) -> None:
        if not states_kubernetes_absence(path, refusal.body):
            raise self._unexpected(what, "404 in a format that is not a Kubernetes API server's")
        self.require_same_system()

    def _unexpected(self, what: str, answer: str) -> PlatformError:
        return PlatformError(
            f"{self.label[:1].upper()}{self.label[1:]} answered {what} with {answer}: perhaps a proxy or a router "
            f"responds at {self.configuration.host}. That proves nothing; correct the region's connection.",
            cause=Cause.CLUSTER_REFUSES,
        ).naming(self._connection)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except ApiException as error:
            raise self._refusal(what, error) from error
        except HTTPError as error:
            name = self.label[:1].upper() + self.label[1:]
            raise TransientError(
                f"{name} does not respond at {self.configuration.host} to {what} ({self._cause(error)}).",
                cause=Cause.CLUSTER_UNREACHABLE,
            ) from error

    def _refusal(self, what: str, error: ApiException) -> TransientError | PermanentError | PlatformError:
        status = _status_of(error)
        if not status and error.status in _FOREIGN:
            return self._unexpected(what, f"{error.status} in a format that is not a Kubernetes API server's")
        message = _message(error, status)
        judgement = classify_status(error.status, status)
        wait = (error.headers or {}).get("Retry-After")
        later = f" It asks to wait {wait} s." if wait else ""
        name = self.label[:1].upper() + self.label[1:]
        words = f"{judgement.sentence}: {message}" if judgement.sentence else message
        refusal = judgement.error(f"{name} answered {error.status} to {what}: {words}.{later}", cause=judgement.cause)
        if (
            isinstance(refusal, TransientError) and wait and wait.isdecimal()
        ):  # it may be a date; then only the sentence has it
            refusal.retry_after = int(wait)
        return refusal.naming(self._connection) if isinstance(refusal, PlatformError) else refusal

    def _cause(self, error: HTTPError) -> str:
        """What happened, without the names of urllib3's internal objects."""
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, ReadTimeoutError):
            return f"nothing within {self._bounds[1]:g} s"
        message = str(reason.args[-1] if reason.args else reason)
        return " ".join(_OBJECT.sub("", message).split())[:300] or type(reason).__name__


def _status_of(error: ApiException) -> Document:
    """The Status document of an API server's refusal; empty if something else responded."""
    try:
        document = json.loads(error.body or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) and document.get("kind") == "Status" else {}


def _message(error: ApiException, status: Document) -> str:
    text = str(status.get("message") or error.body or error.reason or "")
    return " ".join(text.split())[:500].rstrip(".")
