"""One cluster's API as plain JSON: paths in, documents out, a time-out on every call, errors in our words.

Called by the cluster adapter. It knows HTTP and Kubernetes' status documents, no kinds and no tenants. Plain JSON and
not the generated models, because what is judged (adapters/readiness.py) is then as testable as it is readable.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError, ReadTimeoutError

from tenancy.adapters.cluster_refusals import judge_status
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError

Document = dict[str, Any]

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
FIELD_MANAGER = "tenancy"
"""Under which name the API server records the fields that we write ourselves; Helm's is in adapters/helm.py."""
_WHOLE = "application/json"
_MARKS_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_PAGE = 500
_WRITES = frozenset({"POST", "PUT", "PATCH"})
_OBJECT = re.compile(r"^(<[^>]*>|\w+\([^)]*\)): ")


class KubernetesApi:
    """The API server of one region. `label` names it in sentences, such as "the cluster of region eu-central"."""

    def __init__(self, configuration: Configuration, label: str, *, read_seconds: float = READ_SECONDS) -> None:
        # urllib3 would ask a server that hangs three times more: the time-out is to be the time-out.
        configuration.retries = False
        self.configuration = configuration
        self.label = label
        self._bounds = (min(CONNECT_SECONDS, read_seconds), read_seconds)
        self._client = ApiClient(configuration)

    def close(self) -> None:
        """Hang up; it may be called again all the same."""
        self._client.rest_client.pool_manager.clear()

    def get(self, path: str) -> Document | None:
        """The object, if it exists."""
        return self._call("GET", path, absent=404)

    def listed(self, path: str, selector: str = "", fields: str = "") -> list[Document]:
        """Every object below the path that the label and field selectors choose."""
        return list(self._pages(path, {"labelSelector": selector, "fieldSelector": fields}, _WHOLE))

    def marks(self, path: str, selector: str) -> Iterator[Document]:
        """The same, page by page and each with its metadata only: thousands of Secrets without what is in them."""
        return self._pages(path, {"labelSelector": selector}, _MARKS_ONLY)

    def _pages(self, path: str, query: dict[str, str], accept: str) -> Iterator[Document]:
        more = ""
        while True:
            asked = {**query, "limit": str(_PAGE), "continue": more}
            page = self._call("GET", path, query=asked, absent=404, accept=accept) or {}
            yield from page.get("items") or []
            more = page.get("metadata", {}).get("continue") or ""
            if not more:
                return

    def create(self, path: str, document: Document) -> Document | None:
        """Make it; None when one of its name exists already."""
        return self._call("POST", path, body=document, absent=409)

    def replace(self, path: str, document: Document) -> Document | None:
        """Put it in the place of what is there."""
        return self._call("PUT", path, body=document)

    def delete(self, path: str, *, uid: str) -> None:
        """Delete this very object, if it is there; one that took its name meanwhile stays."""
        self._call("DELETE", path, body={"preconditions": {"uid": uid}}, absent=404)

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
        asked = {"fieldManager": FIELD_MANAGER, **(query or {})} if method in _WRITES else query or {}
        given = [(name, value) for name, value in asked.items() if value]
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
                if refusal.status == absent and absent:
                    return None
                raise
        document: Document = json.loads(answer.data)
        return document

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except ApiException as error:
            raise self._refusal(what, error) from error
        except HTTPError as error:
            name = self.label[:1].upper() + self.label[1:]
            raise TransientError(
                f"{name} does not answer at {self.configuration.host} to {what} ({self._cause(error)}).",
                cause=Cause.CLUSTER_UNREACHABLE,
            ) from error

    def _refusal(self, what: str, error: ApiException) -> TransientError | PermanentError | PlatformError:
        status = _status_of(error)
        message = _message(error, status)
        judgement = judge_status(error.status, status)
        wait = (error.headers or {}).get("Retry-After")
        later = f" It asks to wait {wait} s." if wait else ""
        name = self.label[:1].upper() + self.label[1:]
        words = f"{judgement.sentence}: {message}" if judgement.sentence else message
        refusal = judgement.error(f"{name} answered {error.status} to {what}: {words}.{later}", cause=judgement.cause)
        if isinstance(refusal, TransientError) and wait and wait.isdecimal():  # it may be a date, which is only told
            refusal.retry_after = int(wait)
        return refusal

    def _cause(self, error: HTTPError) -> str:
        """urllib3 tells the names of its own objects; whoever reads the sentence wants what happened."""
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, ReadTimeoutError):
            return f"nothing within {self._bounds[1]:g} s"
        said = str(reason.args[-1] if reason.args else reason)
        return " ".join(_OBJECT.sub("", said).split())[:300] or type(reason).__name__


def _status_of(error: ApiException) -> Document:
    """The Status document that an API server refuses with; empty when something else answered."""
    try:
        document = json.loads(error.body or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) and document.get("kind") == "Status" else {}


def _message(error: ApiException, status: Document) -> str:
    text = str(status.get("message") or error.body or error.reason or "")
    return " ".join(text.split())[:500].rstrip(".")
