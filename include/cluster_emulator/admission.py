"""Who may come in: what is checked before an object is created, beyond the object itself.

`registry.py` calls `admit`. The namespace must exist and live, the pod's service account must exist, the quota must
hold. Changes to existing objects need no admission here: quota counts objects and pods' immutable resources.
"""

from http import HTTPStatus

from cluster_emulator import api_errors, quota
from cluster_emulator.faults import ActiveFaults, FaultKind
from cluster_emulator.history import Key
from cluster_emulator.kinds import EVENT, NAMESPACE, POD, SERVICE_ACCOUNT, Kind
from cluster_emulator.objects import Object
from cluster_emulator.store import Store

_HOOK = "policy.emulator.example.com"


class Admission:
    """The admission checks, with the state that they need."""

    def __init__(self, store: Store, faults: ActiveFaults) -> None:
        self._store, self._faults = store, faults

    def admit(self, kind: Kind, namespace: str, obj: Object) -> None:
        """Raises 404, 403: the object may not be created."""
        if not kind.namespaced:
            return
        self._namespace_lives(kind, namespace, obj)
        if kind is EVENT:  # never refused further: they are how one learns of the other refusals
            return
        if kind is POD:
            self._service_account_exists(namespace, obj)
        self._fault_of_webhook(kind, namespace)
        self._fault_of_quota(kind, namespace, obj)
        quota.check(self._store, kind, namespace, obj)

    def _namespace_lives(self, kind: Kind, namespace: str, obj: Object) -> None:
        home = self._store.get(Key(NAMESPACE, "", namespace)).document()
        if home["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
            raise api_errors.forbidden(kind, obj["metadata"]["name"], why, [cause])

    def _service_account_exists(self, namespace: str, pod: Object) -> None:
        account = pod["spec"].get("serviceAccountName", "default")
        if self._store.find(Key(SERVICE_ACCOUNT, namespace, account)) is None:
            why = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
            raise api_errors.forbidden(POD, pod["metadata"]["name"], why)

    def _fault_of_webhook(self, kind: Kind, namespace: str) -> None:
        fault = self._faults.find([FaultKind.WEBHOOK, FaultKind.DENIED], namespace)
        if fault is None or quota.counted_kind(fault.resource) is not kind:
            return
        if fault.kind is FaultKind.DENIED:
            raise api_errors.denied(_HOOK, fault.message)
        raise api_errors.internal(
            f'failed calling webhook "{_HOOK}": failed to call webhook: Post "https://{_HOOK}:443/?timeout=10s": '
            "dial tcp 10.96.0.99:443: connect: connection refused"
        )

    def _fault_of_quota(self, kind: Kind, namespace: str, obj: Object) -> None:
        fault = self._faults.find([FaultKind.QUOTA], namespace)
        if fault is None or quota.counted_kind(fault.resource) is not kind:
            return
        in_use = str(self._store.count(kind, namespace))
        amounts = {"requested": {fault.resource: "1"}, "in_use": {fault.resource: in_use}}
        text = quota.exceeded("emulator-fault", **amounts, limited={fault.resource: in_use})
        raise api_errors.forbidden(kind, obj["metadata"]["name"], text)


def must_match_url(kind: Kind, obj: Object, namespace: str, name: str) -> None:
    """400 when the body names another object than the URL."""
    metadata = obj.get("metadata") or {}
    given = metadata.get("namespace")
    if kind.namespaced and given and given != namespace:
        raise api_errors.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if name and metadata.get("name", name) != name:
        raise api_errors.bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
        )
    if obj.get("kind", kind.name) != kind.name:
        raise api_errors.ApiError(
            HTTPStatus.BAD_REQUEST, "BadRequest", f"{obj['kind']} is not a kind of {kind.resource}"
        )
