"""Asks a cluster whether our account may do something, by a SelfSubjectAccessReview, which every account may create."""

from contextlib import suppress

from tenancy.adapters.kubernetes_api import KubernetesApi
from tenancy.saga.errors import PermanentError, PlatformError, TransientError

_ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_USER = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def missing_right(api: KubernetesApi, verb: str, resource: str, namespace: str) -> str:
    """The missing right as a sentence; empty if our account has it, or if the cluster does not answer the question."""
    attributes = {"verb": verb, "resource": resource, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    with suppress(TransientError, PermanentError, PlatformError):
        status = (api.create(_ACCESS, review) or {}).get("status") or {}
        if status.get("allowed") is False:
            return f"{_account(api)} may not {verb} {resource} in the namespace {namespace}; grant this right by a Role"
    return ""


def _account(api: KubernetesApi) -> str:
    """The name of our account (Kubernetes 1.28 and later return it)."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    with suppress(TransientError, PermanentError, PlatformError):
        status = (api.create(_USER, review) or {}).get("status") or {}
        return str((status.get("userInfo") or {}).get("username") or "our account")
    return "our account"
