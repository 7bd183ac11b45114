"""The Kubernetes documents of one Job of ours and of the Secret with its files. Pure.

A Job never starts a second pod by itself: the engine counts tries. Its Secret is owned by it and goes with it.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tenancy.adapters.namespaces import PROOF

Document = dict[str, Any]

DIGEST: Final = "tenancy.internal/input-digest"
"""An annotation: the digest of the specification that the Job was made from."""
_FILES_NAME: Final = "tenancy.internal/files"
"""An annotation: the name of the Secret that the Job's pod waits for."""
CONTAINER: Final = "main"
MESSAGE_PATH: Final = "/dev/termination-log"
KEPT_SECONDS: Final = 3600
"""After so many seconds the cluster deletes a finished Job that still exists."""


@dataclass(frozen=True)
class JobSpec:
    """One Job. Its files are kept in a Secret."""

    name: str
    namespace: str
    image: str
    proof: str
    seconds: int
    """After so many seconds the cluster ends it."""
    command: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/tenancy"
    """Where the files are mounted."""
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Path below the folder -> text."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The same, of files that may have secrets."""
    secret_environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables whose texts are in the Secret only."""
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """Texts that must be in nothing that people read."""
    cpu: str = "250m"
    memory: str = "256Mi"
    makes_namespace: bool = False
    """May the namespace be made, when it does not exist?"""

    @property
    def mounted(self) -> Mapping[str, tuple[str, str]]:
        """Key of the Secret -> path and text. A key has no slashes."""
        given = {**self.files, **self.secrets}
        return {f"file{number}": (path, text) for number, (path, text) in enumerate(given.items())}

    @property
    def digest(self) -> str:
        """Equal digests: the same work. Everybody who may read the Job may read it, so no secret is in it."""
        parts = [self.image, self.command, self.arguments, sorted(self.environment.items()), sorted(self.files.items())]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def namespace_document(name: str) -> Document:
    """A namespace that all tenants' Jobs share. It carries no platform's proof: nobody's drift check reports it."""
    labels = {"app.kubernetes.io/managed-by": "tenancy"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def job_document(spec: JobSpec, secret: str) -> Document:
    """The Job, whose pod waits until the Secret of this name exists."""
    metadata = {
        "name": spec.name,
        "labels": dict(spec.labels),
        "annotations": {PROOF: spec.proof, DIGEST: spec.digest, _FILES_NAME: secret},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": spec.seconds,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {"metadata": {"labels": dict(spec.labels)}, "spec": _pod(spec, secret)},
        },
    }


def _pod(spec: JobSpec, secret: str) -> Document:
    items = [{"key": key, "path": path} for key, (path, _) in spec.mounted.items()]
    volumes = [{"name": "files", "secret": {"secretName": secret, "items": items}}] if items else []
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 10,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(spec, secret)],
        "volumes": volumes,
    }


def _container(spec: JobSpec, secret: str) -> Document:
    mounts = [{"name": "files", "mountPath": spec.folder, "readOnly": True}] if spec.mounted else []
    size = {"cpu": spec.cpu, "memory": spec.memory}
    container: Document = {
        "name": CONTAINER,
        "image": spec.image,
        "args": list(spec.arguments),
        "env": [*_secret_variables(spec, secret), *({"name": n, "value": v} for n, v in spec.environment.items())],
        "volumeMounts": mounts,
        "terminationMessagePath": MESSAGE_PATH,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": {"requests": size, "limits": size},
    }
    return container | ({"command": list(spec.command)} if spec.command else {})


def _secret_variables(spec: JobSpec, secret: str) -> list[Document]:
    references = {name: {"secretKeyRef": {"name": secret, "key": name}} for name in spec.secret_environment}
    return [{"name": name, "valueFrom": reference} for name, reference in references.items()]


def secret_of(job: Document) -> str:
    """The name of the Secret that the Job's pod waits for."""
    return str(job["metadata"]["annotations"][_FILES_NAME])


def secret_document(spec: JobSpec, job: Document) -> Document:
    """The Secret with the files of this Job; the cluster deletes it with the Job."""
    texts = {**spec.secret_environment, **{key: text for key, (_, text) in spec.mounted.items()}}
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job["metadata"]["name"], "uid": job["metadata"]["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret_of(job), "labels": dict(spec.labels), "ownerReferences": [owner]},
        "data": {key: b64encode(text.encode()).decode() for key, text in texts.items()},
    }
