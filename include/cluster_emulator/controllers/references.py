"""The Secrets and ConfigMaps a pod refers to, and the first that is not there.

The kubelet's simulation asks what is missing; the ingress listener asks which Secrets a pod is given.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cluster_emulator.history import Key
from cluster_emulator.kinds import CONFIG_MAP, SECRET, VOLUME_CLAIM, Kind
from cluster_emulator.objects import Object, lookup
from cluster_emulator.store import Store


@dataclass(frozen=True, slots=True)
class Reference:
    """One mention; `item` is the key inside, "" for all of them."""

    kind: Kind
    name: str
    item: str = ""
    optional: bool = False

    @property
    def words(self) -> str:
        return self.kind.name.lower()


def references(pod: Object) -> Iterator[Reference]:
    """In the order the kubelet meets them: volumes, then each container's envFrom and env."""
    spec = pod["spec"]
    for volume in spec.get("volumes") or []:
        for source in lookup(volume, "projected", "sources") or [volume]:
            yield from _volume_source(source)
    for container in spec["containers"]:
        for source in container.get("envFrom") or []:
            yield from _env_source(source, ("secretRef", "configMapRef"))
        for variable in container.get("env") or []:
            yield from _env_source(variable.get("valueFrom") or {}, ("secretKeyRef", "configMapKeyRef"))


def _volume_source(source: Object) -> Iterator[Reference]:
    """A volume, or one source of a projected volume, which writes the name of a Secret differently."""
    if secret := source.get("secret"):
        name = secret.get("secretName") or secret.get("name") or ""
        yield Reference(SECRET, name, optional=bool(secret.get("optional")))
    if config := source.get("configMap"):
        yield Reference(CONFIG_MAP, config.get("name", ""), optional=bool(config.get("optional")))


def _env_source(source: Object, names: tuple[str, str]) -> Iterator[Reference]:
    for name, kind in zip(names, (SECRET, CONFIG_MAP), strict=True):
        given = source.get(name)
        if given:
            yield Reference(kind, given.get("name", ""), given.get("key", ""), bool(given.get("optional")))


def missing_reference(store: Store, pod: Object) -> str:
    """The kubelet's message about the first reference to a missing object; "" if none is missing."""
    namespace = pod["metadata"]["namespace"]
    for reference in references(pod):
        if reference.optional:
            continue
        record = store.find(Key(reference.kind, namespace, reference.name))
        if record is None:
            return f'{reference.words} "{reference.name}" not found'
        if reference.item and reference.item not in (lookup(record.document(), "data") or {}):
            place = f"{namespace}/{reference.name}"
            return f"couldn't find key {reference.item} in {reference.kind.name} {place}"
    return ""


def claim_names(pod: Object) -> Iterator[str]:
    """The volume claims that it mounts."""
    for volume in pod["spec"].get("volumes") or []:
        if name := lookup(volume, "persistentVolumeClaim", "claimName"):
            yield str(name)


def unbound_claim(store: Store, pod: Object) -> str:
    """The scheduler's message about the first volume claim that is not bound; "" if all are."""
    for name in claim_names(pod):
        record = store.find(Key(VOLUME_CLAIM, pod["metadata"]["namespace"], name))
        if record is None:
            return f'0/1 nodes are available: persistentvolumeclaim "{name}" not found.'
        if lookup(record.document(), "status", "phase") != "Bound":
            return "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    return ""
