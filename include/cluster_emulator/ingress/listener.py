"""The ingress listener's HTTP side: from host and path to a pod, from the pod to its Secrets, then to the application.

404 when no Ingress has the host, 503 when no pod behind it is ready: as an ingress controller answers. What the
application answers is its own affair (`application.py`).
"""

import asyncio
import base64

from aiohttp import web

from cluster_emulator.controllers.references import references
from cluster_emulator.fault_gate import cut_connection
from cluster_emulator.faults import ActiveFaults, FaultKind
from cluster_emulator.history import Key
from cluster_emulator.ingress.application import Application, AppRequest
from cluster_emulator.ingress.routing import Routes
from cluster_emulator.kinds import SECRET
from cluster_emulator.objects import Object
from cluster_emulator.store import Store


class IngressListener:
    """Serves the hosts of all Ingresses."""

    def __init__(self, store: Store, faults: ActiveFaults, app: Application) -> None:
        self._store, self._faults, self._app = store, faults, app
        self._routes = Routes(store)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.Response:
        backend = self._routes.find(request.host.partition(":")[0].lower(), request.path)
        if self._faults.find([FaultKind.INGRESS_DOWN], backend.namespace if backend else ""):
            return _cut(request)
        if backend is None:
            return web.Response(status=404, text="default backend - 404\n")
        if backend.pod is None:
            return web.Response(status=503, text="503 Service Temporarily Unavailable\n")
        body = await request.read()
        secrets = secret_values(self._store, backend.pod)
        received = AppRequest(request.method, request.path, secrets, request.headers, body)
        response = await asyncio.to_thread(self._app, received)
        return web.Response(body=response.body(), status=response.status, content_type="application/json")


def _cut(request: web.Request) -> web.Response:
    try:
        cut_connection(request)
    except ConnectionResetError:
        return web.Response(status=503)
    return web.Response(status=503)


def secret_values(store: Store, pod: Object) -> dict[str, str]:
    """By key, the content of the Secrets to which the pod refers; the first one with a key wins."""
    namespace, values = pod["metadata"]["namespace"], dict[str, str]()
    for reference in references(pod):
        secret = store.document(Key(SECRET, namespace, reference.name)) if reference.kind is SECRET else None
        for key, encoded in ((secret or {}).get("data") or {}).items():
            if encoded and reference.item in {"", key}:
                values.setdefault(key, base64.b64decode(encoded).decode(errors="replace"))
    return values
