"""The ingress listener's HTTP side: host and path to a pod, a pod to its DSN, a visit to the tenant's application.

404 when no Ingress has the host, 503 when no pod behind it is ready: as an ingress controller answers. What the
application says is `tenant_app.py`'s.
"""

import asyncio
import base64

from aiohttp import web

from cluster_emulator.controllers.references import references
from cluster_emulator.fault_gate import cut
from cluster_emulator.faults import FaultBook, FaultKind
from cluster_emulator.history import Key
from cluster_emulator.ingress.routing import Routes
from cluster_emulator.ingress.tenant_app import TenantApp
from cluster_emulator.ingress.visits import Visit
from cluster_emulator.kinds import SECRET
from cluster_emulator.objects import Object
from cluster_emulator.store import Store

_DSN_KEY = "dsn"


class IngressListener:
    """Serves every tenant's host."""

    def __init__(self, store: Store, faults: FaultBook, app: TenantApp) -> None:
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
        visit = Visit(request.method, request.path, dsn_of(self._store, backend.pod), request.headers, body)
        answer = await asyncio.to_thread(self._app.answer, visit)
        return web.Response(body=answer.body(), status=answer.status, content_type="application/json")


def _cut(request: web.Request) -> web.Response:
    try:
        cut(request)
    except ConnectionResetError:
        return web.Response(status=503)
    return web.Response(status=503)


def dsn_of(store: Store, pod: Object) -> str:
    """The `dsn` in the first Secret the pod refers to that has one."""
    namespace = pod["metadata"]["namespace"]
    for reference in references(pod):
        secret = store.document(Key(SECRET, namespace, reference.name)) if reference.kind is SECRET else None
        encoded = (secret or {}).get("data", {}).get(_DSN_KEY) if reference.item in ("", _DSN_KEY) else None
        if encoded:
            return base64.b64decode(encoded).decode()
    return ""
