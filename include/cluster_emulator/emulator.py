"""Joins the parts into one cluster and runs its two listeners: the only place that knows all of them.

`__main__.py` runs it, tests build it. The parts themselves get what they need through their constructors.
"""

import asyncio
import contextlib
import copy
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from cluster_emulator.admission import Admission
from cluster_emulator.clock import Clock
from cluster_emulator.containers.containers import Containers
from cluster_emulator.controllers.daemonsets import DaemonSetController
from cluster_emulator.controllers.deployments import DeploymentController
from cluster_emulator.controllers.garbage import GarbageCollector
from cluster_emulator.controllers.ingresses import IngressController
from cluster_emulator.controllers.jobs import JobController
from cluster_emulator.controllers.kubelet import NODE_NAME
from cluster_emulator.controllers.manager import ControllerManager
from cluster_emulator.controllers.namespaces import DELAY_SECONDS, NamespaceController
from cluster_emulator.controllers.notes import Recorder
from cluster_emulator.controllers.pods import PodController
from cluster_emulator.controllers.quotas import QuotaController
from cluster_emulator.controllers.replicasets import ReplicaSetController
from cluster_emulator.controllers.services import ServiceController
from cluster_emulator.controllers.statefulsets import StatefulSetController
from cluster_emulator.controllers.volumes import DEFAULT_CLASS, VolumeController
from cluster_emulator.disk import Disk
from cluster_emulator.faults import ActiveFaults, Fault
from cluster_emulator.history import Key
from cluster_emulator.ingress.application import Application, describe_request
from cluster_emulator.ingress.listener import IngressListener
from cluster_emulator.kinds import NAMESPACE, NODE, STORAGE_CLASS, Kind
from cluster_emulator.objects import Object
from cluster_emulator.registry import Registry
from cluster_emulator.server import ApiServer
from cluster_emulator.store import Store
from cluster_emulator.verbs import Verbs

_NODE: Final[Object] = {
    "capacity": {"cpu": "64", "memory": "256Gi", "pods": "10000"},
    "allocatable": {"cpu": "64", "memory": "256Gi", "pods": "10000"},
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
        }
    ],
    "nodeInfo": {
        "kubeletVersion": "v1.32.0+emulator",
        "osImage": "emulator",
        "kernelVersion": "emulator",
        "containerRuntimeVersion": "emulator://0",
        "architecture": "amd64",
        "operatingSystem": "linux",
        "machineID": "emulator",
        "systemUUID": "emulator",
        "bootID": "emulator",
        "kubeProxyVersion": "v1.32.0+emulator",
    },
}


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a running cluster listens."""

    api: int
    ingress: int | None


class ClusterEmulator:
    """One cluster: its state, its rules, its controllers. `application` answers in the place of all pods."""

    def __init__(
        self,
        disk: Disk,
        clock: Clock,
        ca_pem: str = "",
        namespace_delay_seconds: float = DELAY_SECONDS,
        application: Application = describe_request,
        *,
        containers: Containers | None = None,
    ) -> None:
        self._application = application
        self.containers = containers or Containers()
        self.store = Store(disk)
        self.faults = ActiveFaults(disk, self.store)
        self.registry = Registry(self.store, Admission(self.store, self.faults), clock)
        recorder = Recorder(self.registry)
        self.controllers = ControllerManager(
            self.store,
            clock,
            [
                NamespaceController(self.registry, ca_pem, namespace_delay_seconds),
                DeploymentController(self.registry, recorder),
                ReplicaSetController(self.registry, recorder),
                StatefulSetController(self.registry, recorder),
                DaemonSetController(self.registry, recorder),
                JobController(self.registry, recorder),
                VolumeController(self.registry, recorder),
                PodController(self.registry, recorder, self.faults, self.containers),
                ServiceController(self.registry),
                IngressController(self.registry),
                QuotaController(self.registry),
                GarbageCollector(self.registry),
            ],
        )
        self.faults.on_change.append(self._fault_changed)
        self._furnish()

    def _furnish(self) -> None:
        for name in ("default", "kube-system"):
            self._ensure(NAMESPACE, name)
        if self._ensure(NODE, NODE_NAME):
            self.registry.change(Key(NODE, "", NODE_NAME), lambda node: node.update(status=_NODE), "status")
        if not self.store.find(Key(STORAGE_CLASS, "", DEFAULT_CLASS["metadata"]["name"])):
            self.registry.create(STORAGE_CLASS, "", copy.deepcopy(DEFAULT_CLASS))

    def _ensure(self, kind: Kind, name: str) -> bool:
        if self.store.find(Key(kind, "", name)):
            return False
        self.registry.create(kind, "", {"metadata": {"name": name}})
        return True

    def _fault_changed(self, fault: Fault) -> None:
        """Pods and refused creations that it concerns are checked again; open watches check whether they may
        continue."""
        self.store.history.wake_watchers()
        concerned = (key for key in self.store if self.faults.concerns(fault, key.namespace))
        self.controllers.look_at_everything(concerned)

    @contextlib.asynccontextmanager
    async def serving(
        self, token: str, port: int, ingress_port: int | None, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[Ports]:
        """Listens on loopback while the context lasts; port 0 takes any free one."""
        server = ApiServer(Verbs(self.registry, self.faults, self.containers), self.faults, token)
        async with contextlib.AsyncExitStack() as stack:
            api = await stack.enter_async_context(_listening(server.application(), port, tls))
            ingress = None
            if ingress_port is not None:
                listener = IngressListener(self.store, self.faults, self._application)
                ingress = await stack.enter_async_context(_listening(listener.application(), ingress_port, None))
            loop = asyncio.create_task(self.controllers.run())
            try:
                yield Ports(api, ingress)
            finally:
                loop.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await loop
                self.containers.close()


@contextlib.asynccontextmanager
async def _listening(app: web.Application, port: int, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    # Handlers are cancelled when their client leaves: a hanging request or an idle watch must not outlive it.
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls)
        await site.start()
        address: tuple[str, int] = runner.addresses[0]
        yield address[1]
    finally:
        await runner.cleanup()


def open_disk(folder: Path) -> Disk:
    """The state in this folder, which only its owner may read: Secrets are in it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Disk(folder / "cluster.sqlite")
