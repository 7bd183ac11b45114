"""Causes: why an activity stalls or fails, as a code that can be counted, with a sentence and the raw evidence.

The part of a code before the dot is the system at fault. Errors carry a cause (errors.py). `Activity.explain` finds the
cause of an activity that stalls. activities/remedies.py says what to do about each cause.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Cause(StrEnum):
    """Why a tenant stalls or failed. The values are stored. A new cause also needs a remedy in
    activities/remedies.py."""

    UNKNOWN = "unknown"
    INPUT = "input.mismatch"
    PLATFORM_FILE = "platform.misconfigured"
    PLATFORM_FULL = "platform.full"
    PLATFORM_FAULT = "platform.fault"
    PLATFORM_VERSION = "platform.version"
    PLATFORM_CONNECTION = "platform.connection"
    PLATFORM_CREDENTIALS = "platform.credentials"
    PLATFORM_RIGHTS = "platform.rights"
    FOREIGN_OBJECT = "platform.foreign_object"
    OTHER_SYSTEM = "platform.other_system"
    LOCK_HELD = "ledger.lock_held"
    LEDGER_SILENT = "ledger.unreachable"
    LEDGER_REFUSES = "ledger.refuses"
    STORAGE_UNREACHABLE = "storage.unreachable"
    STORAGE_NO_SLOTS = "storage.no_slots"
    STORAGE_BLOCKED = "storage.blocked"
    STORAGE_OVERLOADED = "storage.overloaded"
    STORAGE_DISK_FULL = "storage.disk_full"
    STORAGE_TEMPLATE_IN_USE = "storage.template_in_use"
    """Recorded by older versions only: they copied template1. Databases are now copied from template0, which accepts no
    sessions."""
    STORAGE_DATABASE_HELD = "storage.database_held"
    """Sessions, subscriptions, slots or prepared transactions keep a database from being dropped."""
    STORAGE_DROPPING = "storage.dropping"
    """The server is dropping the database and waits for a checkpoint."""
    STORAGE_ROLE_IN_USE = "storage.role_in_use"
    """Objects or rights in other databases keep a tenant's role from being dropped."""
    STORAGE_COLLATION = "storage.collation_version"
    """The server's operating system sorts differently than when a database was made."""
    STORAGE_PERMISSION = "storage.permission"
    STORAGE_READ_ONLY = "storage.read_only"
    STORAGE_POOLER = "storage.pooler"
    STORAGE_CREDENTIALS = "storage.credentials"
    STORAGE_ROLE_CHANGED = "storage.role_changed"
    """The tenant has changed the password of its own role, which PostgreSQL lets every role do."""
    STORAGE_CONNECTION = "storage.connection"
    STORAGE_BROKEN = "storage.broken"
    ENGINE_SCHEDULER_SILENT = "engine.scheduler_silent"
    ENGINE_TRIGGERER_SILENT = "engine.triggerer_silent"
    ENGINE_UNREACHABLE = "engine.unreachable"
    ENGINE_REFUSES = "engine.refuses"
    ENGINE_PAUSED = "engine.paused"
    ENGINE_QUEUE = "engine.queue"
    ENGINE_NO_POOL = "engine.no_pool"
    SCHEMA_MIGRATION = "schema.migration"
    HELM_PENDING = "helm.pending"
    HELM_FAILED = "helm.failed"
    CLUSTER_UNREACHABLE = "cluster.unreachable"
    CLUSTER_REFUSES = "cluster.refuses"
    CLUSTER_CREDENTIALS = "cluster.credentials"
    CLUSTER_RIGHTS = "cluster.rights"
    CLUSTER_ADMISSION = "cluster.admission"
    CLUSTER_WEBHOOK = "cluster.webhook"
    CLUSTER_SCALED = "cluster.scaled"
    CLUSTER_NODE = "cluster.node_silent"
    CLUSTER_IMAGE = "cluster.image"
    CLUSTER_CRASH = "cluster.crash"
    CLUSTER_UNSCHEDULABLE = "cluster.unschedulable"
    CLUSTER_QUOTA = "cluster.quota"
    CLUSTER_PROBE = "cluster.probe"
    CLUSTER_JOB = "cluster.job"
    """A Job of the tenant's chart has failed, or its pods do."""
    CLUSTER_VOLUME = "cluster.volume"
    """A PersistentVolumeClaim gets no volume."""
    CLUSTER_ENDING = "cluster.namespace_ending"
    INGRESS_SILENT = "ingress.silent"

    @property
    def system(self) -> str:
        """The system at fault: storage, engine, schema, helm, cluster, ingress, ledger, platform, input, unknown."""
        return self.partition(".")[0]


UNREACHABLE: Final = frozenset({Cause.STORAGE_UNREACHABLE, Cause.CLUSTER_UNREACHABLE, Cause.ENGINE_UNREACHABLE})
"""A whole system does not respond: nothing is wrong with the tenant, and nothing of it can be undone until then."""


@dataclass(frozen=True)
class Evidence:
    """One cause and the sentence that explains it. `raw` has the systems' responses by name, without secrets."""

    cause: Cause
    message: str
    raw: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def cause_of(code: str) -> Cause:
    """The cause of this code; unknown when a newer version wrote one that this one does not have."""
    return Cause(code) if code in set(Cause) else Cause.UNKNOWN
