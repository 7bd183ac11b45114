"""Runs one Job of ours to its end in a cluster, and returns how it ended.

A Job is found again by its name: a process that takes over from one that died awaits its Job and starts no second one.
Every call is idempotent; a Job without our proof is never touched.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from secrets import token_hex
from typing import Final

from tenancy.adapters.job_documents import CONTAINER, DIGEST, JobSpec, job_document, namespace_document, secret_document
from tenancy.adapters.job_outcome import JobEnd, end_of, events_of, is_hopeless, job_end, pods_of, why_waiting
from tenancy.adapters.kubernetes_api import Document, KubernetesApi
from tenancy.adapters.namespaces import PATH, PROOF
from tenancy.adapters.pod_reasons import PodReason
from tenancy.saga.causes import Cause
from tenancy.saga.errors import ForeignObjectError, PlatformError, TenancyError, TransientError

LOG_LINES: Final = 20
"""As many last lines of its log are kept of a Job."""
LOG_BYTES: Final = 4 * 1024 * 1024
_GONE_WITHIN_SECONDS: Final = 30.0
_REASON_EVERY: Final = 2.0
_CONFIGURED_WITHIN: Final = 10.0
"""Seconds that a pod may wait for its Secret, which is made right after the Job."""
Fence = Callable[[], None]


class Jobs:
    """One cluster's Jobs of ours."""

    def __init__(
        self,
        api: KubernetesApi,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._sleep, self._monotonic = api, sleep, monotonic

    def run(self, spec: JobSpec, *, fence: Fence, patience: float, whole_log: bool = False) -> JobEnd:
        """Create it unless it exists, await its end, and delete it.

        A Job that ended before this call counts, if it did the same work: the same digest. Raises TransientError when
        it still runs after `patience` seconds; call again to go on waiting. PlatformError when its pod cannot start.
        """
        job = self._usable(spec, fence) or self._create(spec, fence)
        self._api.create(f"{PATH}/{spec.namespace}/secrets", secret_document(spec, job))
        end = self._await(spec, job, fence, patience)
        pods = self._pods(job)
        log = self._log(spec, pods, None if whole_log else LOG_LINES)
        self._delete(spec, job, "Background")
        return job_end(end, pods, log, spec.hidden)

    def run_once(self, spec: JobSpec, *, patience: float) -> JobEnd:
        """Run a Job that only reads, under a name that no other call has, with its whole log. Needs no fence."""
        own = replace(spec, name=f"{spec.name}-{token_hex(4)}")
        try:
            return self.run(own, fence=lambda: None, patience=patience, whole_log=True)
        except TransientError:
            with suppress(TenancyError):
                self._discard(own)
            raise

    def abort(self, namespace: str, name: str, *, proof: str, fence: Fence) -> None:
        """End it and wait until its pod is gone. It need not exist."""
        job = self._find(namespace, name, proof)
        if job is not None:
            self._remove(JobSpec(name, namespace, "", proof, 0), job, fence)

    def is_running(self, namespace: str, name: str, *, proof: str) -> bool:
        """Does this Job exist, and has it not ended?"""
        job = self._find(namespace, name, proof)
        return job is not None and end_of(job) is None

    def why_waiting(self, namespace: str, name: str) -> PodReason:
        """Why the Job has not ended; an empty sentence when nothing is wrong or there is no such Job."""
        job = self._api.get(_path(namespace, name))
        return self._reason(job) if job is not None else PodReason("")

    # -- the Job

    def _find(self, namespace: str, name: str, proof: str) -> Document | None:
        job = self._api.get(_path(namespace, name))
        found = ((job or {"metadata": {}})["metadata"].get("annotations") or {}).get(PROOF)
        if job is not None and found != proof:
            raise ForeignObjectError(
                f"A Job {name} exists in the namespace {namespace} of {self._api.label} and is not ours (its proof is "
                f"{found!r}, ours would be {proof!r}). Nothing was changed; find its owner, or delete it manually."
            )
        return job

    def _usable(self, spec: JobSpec, fence: Fence) -> Document | None:
        """The Job, if it exists and does the work of this specification. Another one is removed first."""
        job = self._find(spec.namespace, spec.name, spec.proof)
        if job is None:
            return None
        same = job["metadata"]["annotations"].get(DIGEST) == spec.digest
        ending = bool(job["metadata"].get("deletionTimestamp"))
        if same and not ending:
            return job
        self._remove(spec, job, fence)
        return None

    def _create(self, spec: JobSpec, fence: Fence) -> Document:
        if spec.makes_namespace and self._api.get(f"{PATH}/{spec.namespace}") is None:
            self._api.create(PATH, namespace_document(spec.namespace))
        fence()
        document = job_document(spec, f"{spec.name[:50]}-{token_hex(4)}")
        made = self._api.create(_path(spec.namespace), document)
        job = made or self._find(spec.namespace, spec.name, spec.proof)
        if job is None:
            raise TransientError(f"The Job {spec.name} was there and is gone: somebody deleted it.")
        return job

    def _remove(self, spec: JobSpec, job: Document, fence: Fence) -> None:
        """Delete it and wait until its pods are gone: what runs in them must not go on."""
        if not job["metadata"].get("deletionTimestamp"):
            fence()
            self._delete(spec, job, "Foreground")
        end, pause = self._monotonic() + _GONE_WITHIN_SECONDS, 0.1
        while (found := self._api.get(_path(spec.namespace, spec.name))) is not None:
            if found["metadata"]["uid"] != job["metadata"]["uid"]:
                return
            if self._monotonic() > end:
                raise TransientError(f"The Job {spec.name} is not gone after {_GONE_WITHIN_SECONDS:.0f} s.")
            self._sleep(pause)
            pause = min(pause * 1.5, 1.0)

    def _discard(self, spec: JobSpec) -> None:
        job = self._find(spec.namespace, spec.name, spec.proof)
        if job is not None:
            self._delete(spec, job, "Background")

    def _delete(self, spec: JobSpec, job: Document, propagation: str) -> None:
        # Without a policy, batch/v1 would leave the pods behind.
        self._api.delete(_path(spec.namespace, spec.name), uid=job["metadata"]["uid"], propagation=propagation)

    # -- waiting

    def _await(self, spec: JobSpec, job: Document, fence: Fence, patience: float) -> Document:
        began, pause, checked = self._monotonic(), 0.1, 0.0
        while (end := end_of(job)) is None:
            elapsed = self._monotonic() - began
            if elapsed - checked > _REASON_EVERY:
                checked = elapsed
                self._require_hope(spec, job, fence, elapsed)
            if elapsed > patience:
                raise self._still_running(job, patience)
            self._sleep(pause)
            pause = min(pause * 1.3, 1.0)
            found = self._find(spec.namespace, spec.name, spec.proof)
            if found is None or found["metadata"]["uid"] != job["metadata"]["uid"]:
                raise TransientError(f"The Job {spec.name} was deleted while it ran.")
            job = found
        return end

    def _require_hope(self, spec: JobSpec, job: Document, fence: Fence, elapsed: float) -> None:
        reason = self._reason(job)
        if not is_hopeless(reason) or (reason.cause is Cause.CLUSTER_CRASH and elapsed < _CONFIGURED_WITHIN):
            return
        fence()
        self._delete(spec, job, "Background")
        raise PlatformError(f"The pod of the Job {spec.name} cannot start: {reason.sentence}", cause=reason.cause)

    def _still_running(self, job: Document, patience: float) -> TransientError:
        reason = self._reason(job)
        why = f": {reason.sentence}" if reason.sentence else ""
        return TransientError(
            f"The Job {job['metadata']['name']} has not ended after {patience:.0f} s{why}.", cause=reason.cause
        )

    def _reason(self, job: Document) -> PodReason:
        metadata = job["metadata"]
        events = self._api.list_objects(
            f"{PATH}/{metadata['namespace']}/events",
            fields=f"involvedObject.kind=Job,involvedObject.name={metadata['name']}",
        )
        return why_waiting(self._pods(job), events_of(job, events))

    # -- its pod

    def _pods(self, job: Document) -> list[Document]:
        metadata = job["metadata"]
        found = self._api.list_objects(f"{PATH}/{metadata['namespace']}/pods", f"job-name={metadata['name']}")
        return pods_of(job, found)

    def _log(self, spec: JobSpec, pods: Sequence[Document], lines: int | None) -> str:
        if not pods:
            return ""
        query = {"container": CONTAINER, "limitBytes": str(LOG_BYTES), "tailLines": str(lines or "")}
        return self._api.text(f"{PATH}/{spec.namespace}/pods/{pods[0]['metadata']['name']}/log", query)


def _path(namespace: str, name: str = "") -> str:
    return f"/apis/batch/v1/namespaces/{namespace}/jobs{f'/{name}' if name else ''}"
