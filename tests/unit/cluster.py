"""A cluster without listeners and with a clock that only tests advance, for the emulator's unit tests."""

from dataclasses import dataclass, field
from typing import Any

from cluster_emulator.clock import ManualClock
from cluster_emulator.disk import Disk
from cluster_emulator.emulator import ClusterEmulator
from cluster_emulator.faults import parse
from cluster_emulator.history import Key
from cluster_emulator.kinds import DEPLOYMENT, EVENT, NAMESPACE, POD, Kind

Document = dict[str, Any]
HOME = "tenant"


@dataclass
class EmulatedCluster:
    clock: ManualClock = field(default_factory=ManualClock)
    emulator: ClusterEmulator = field(init=False)

    def __post_init__(self) -> None:
        self.emulator = ClusterEmulator(Disk(":memory:"), self.clock)
        self.create(NAMESPACE, {"metadata": {"name": HOME, "labels": {"tenant": "acme"}}}, "")

    def create(self, kind: Kind, body: Document, namespace: str = HOME) -> Document:
        made = self.emulator.registry.create(kind, namespace, body)
        self.emulator.controllers.settle()
        return made

    def get(self, kind: Kind, name: str, namespace: str = HOME) -> Document:
        return self.emulator.store.get(Key(kind, namespace, name)).document()

    def all(self, kind: Kind, namespace: str = HOME) -> list[Document]:
        return [record.document() for record in self.emulator.store.records(kind, namespace)]

    def pod(self) -> Document:
        return self.all(POD)[0]

    def condition(self, name: str) -> Document:
        found = self.get(DEPLOYMENT, "web")["status"]["conditions"]
        return next((c for c in found if c["type"] == name), {})

    def words(self) -> dict[str, str]:
        """The events' reasons, each with its latest message."""
        return {event["reason"]: event["message"] for event in self.all(EVENT)}

    def wait(self, seconds: float) -> None:
        """In small steps, as time passes for controllers that wait for each other."""
        for _ in range(10):
            self.clock.advance(seconds / 10)
            self.emulator.controllers.settle()

    def fault(self, kind: str, **options: Any) -> None:
        self.emulator.faults.add(parse({"kind": kind, **options}))
        self.emulator.controllers.settle()

    def clear_faults(self) -> None:
        self.emulator.faults.clear(self.emulator.faults.all())
        self.emulator.controllers.settle()


def deployment(replicas: int = 1, **container: Any) -> Document:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": "tenant-app:1", **container}]},
    }
    return {
        "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    }
