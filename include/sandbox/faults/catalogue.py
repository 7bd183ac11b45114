"""Every kind of fault: what it breaks and which options it takes. The help text is made from these values."""

from dataclasses import dataclass
from typing import Final

from sandbox.problems import SandboxError


@dataclass(frozen=True)
class FaultEntry:
    """One kind. `selects`: which of tenant, region and namespace can restrict it; `takes`: its other options."""

    name: str
    effect: str
    selects: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


_ANYWHERE: Final = ("tenant", "region", "namespace")
_DENIED: Final = ("resource", "message")

CLUSTER: Final = (
    FaultEntry("slow-start", "pods take --seconds longer to become ready", _ANYWHERE, ("seconds",)),
    FaultEntry("image-pull-backoff", "the image cannot be pulled", _ANYWHERE),
    FaultEntry("crash-loop-backoff", "containers end right after their start, again and again", _ANYWHERE),
    FaultEntry("unschedulable", "no node fits", _ANYWHERE),
    FaultEntry(
        "quota-exceeded", "creating --resource (default: pods) is refused as over quota", _ANYWHERE, ("resource",)
    ),
    FaultEntry("http-500", "the cluster's API answers 500", _ANYWHERE, ("on",)),
    FaultEntry("http-429", "it answers 429, Retry-After --retry-after", _ANYWHERE, ("on", "retry_after")),
    FaultEntry("hang", "it takes requests and does not respond, or only after --seconds", _ANYWHERE, ("on", "seconds")),
    FaultEntry("refuse", "it closes connections without a response", _ANYWHERE, ("on",)),
    FaultEntry("slow", "its responses are --milliseconds late", _ANYWHERE, ("on", "milliseconds")),
    FaultEntry(
        "forbidden", "our token lacks the right to --verb (default: any) --resource", _ANYWHERE, ("resource", "verb")
    ),
    FaultEntry("admission-denied", "a webhook refuses to create --resource, with --message", _ANYWHERE, _DENIED),
    FaultEntry("webhook-down", "the webhook for creating --resource (default: pods) is away", _ANYWHERE, ("resource",)),
    FaultEntry("node-silent", "the node's kubelet is dead: pods neither start nor end", _ANYWHERE),
    FaultEntry("router-404", "a router answers every request with its own 404 page", _ANYWHERE, ("on",)),
    FaultEntry("login-page", "a proxy answers every request with 200 and its login page", _ANYWHERE, ("on",)),
    FaultEntry("other-cluster", "another cluster responds, which has none of our objects", _ANYWHERE, ("on",)),
    FaultEntry("ingress-down", "tenants' addresses cut every connection", _ANYWHERE),
)
PLATFORM: Final = (
    FaultEntry("databases-locked", "a session holds a lock on the list of databases: CREATE DATABASE fails after 10 s"),
    FaultEntry("no-connection-slots", "the storage admin's connections are refused, as by a full server"),
    FaultEntry("disk-full", "the files of a new database cannot grow: the storage server reports a full disk"),
    FaultEntry("no-createdb", "the storage admin may not create databases"),
    FaultEntry("storage-stopped", "every process of the storage server is stopped: connections get no response"),
    FaultEntry(
        "schema-locked", "a session holds locks on the tenant's schema: changing or reading it waits", ("tenant",)
    ),
    FaultEntry("failing-revision", "CREATE TABLE in a tenant's schema raises, so its migration fails", ("tenant",)),
    FaultEntry("handles-locked", "a session holds a lock on Airflow's connections: reading continues, writing waits"),
    FaultEntry(
        "api-server-stopped", "every process of Airflow's api-server is stopped: no console, no task starts or beats"
    ),
)
NEEDS_TENANT: Final = frozenset({"schema-locked"})
BY_NAME: Final = {kind.name: kind for kind in (*CLUSTER, *PLATFORM)}


def checked(name: str, options: dict[str, object]) -> FaultEntry:
    """The kind of this name. Raises SandboxError for an option that it does not take, or that is missing."""
    kind = BY_NAME[name]
    strange = [option for option in options if option not in (*kind.selects, *kind.takes)]
    if strange:
        known = ", ".join(_flag(each) for each in (*kind.selects, *kind.takes)) or "none"
        raise SandboxError(f"{name} does not take {_flag(strange[0])}; its options: {known}.")
    if name in NEEDS_TENANT and "tenant" not in options:
        raise SandboxError(f"{name} needs --tenant SLUG.")
    if "namespace" in options and len(options.keys() & {"tenant", "region"}):
        raise SandboxError("Give either --namespace or --tenant and --region.")
    return kind


def _flag(option: str) -> str:
    return "--" + option.replace("_", "-")
