"""The HTTP server of the API: who may ask, which fault bites, and what each path leads to.

`emulator.py` builds it. Routing only: discovery, OpenAPI and reviews answer from their own files, everything about
objects goes to `verbs.py`.
"""

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from aiohttp import web

from cluster_emulator import api_errors, bodies, discovery, openapi, responses, reviews, targets
from cluster_emulator.fault_gate import FaultGate
from cluster_emulator.fault_routes import FaultRoutes
from cluster_emulator.faults import ActiveFaults
from cluster_emulator.foreign_answers import ForeignAnswerError
from cluster_emulator.objects import Object
from cluster_emulator.rights import Rights
from cluster_emulator.verbs import Verbs

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)

_OPEN_PATHS: Final = frozenset({"/healthz", "/livez", "/readyz"})
# What aiohttp itself refuses, in the API's form.
_REFUSALS: Final = {405: api_errors.method_not_allowed, 413: api_errors.too_large}
_LARGEST_BODY: Final = 3 * 1024 * 1024  # etcd's limit plus room, as in the real server


class ApiServer:
    """The routes, behind the token and the faults."""

    def __init__(self, verbs: Verbs, faults: ActiveFaults, token: str) -> None:
        self._verbs, self._gate, self._expected = verbs, FaultGate(faults), token.encode()
        self._fault_routes, self._rights = FaultRoutes(faults), Rights(faults)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._failures, self._authenticated], client_max_size=_LARGEST_BODY)
        app.add_routes(self._fault_routes.routes())
        for path in _OPEN_PATHS:
            app.router.add_get(path, self._healthy)
        app.router.add_get("/openapi/v3/{root:.+}", self._openapi)
        app.router.add_route("*", "/api{rest:.*}", self._api)
        for path, body in self._documents().items():
            # The generated Python client asks for /version/.
            app.router.add_get(path + "{slash:/?}", self._constant(body))
        return app

    @staticmethod
    def _documents() -> dict[str, Object]:
        return {"/version": discovery.VERSION, "/openapi/v2": openapi.V2, "/openapi/v3": openapi.index()}

    @web.middleware
    async def _failures(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except api_errors.ApiError as error:
            return responses.failure(error)
        except ForeignAnswerError as foreign:
            return foreign.response
        except web.HTTPException as error:
            return responses.failure(_REFUSALS.get(error.status, api_errors.no_such_resource)())
        except ConnectionResetError:  # a fault cut it, or the client did: nobody reads the answer
            return web.Response(status=503)
        except Exception as error:
            log.exception("%s %s", request.method, request.path_qs)
            return responses.failure(api_errors.internal(str(error)))

    @web.middleware
    async def _authenticated(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        known = scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._expected)
        if request.path not in _OPEN_PATHS and not known:
            raise api_errors.unauthorized()
        return await handler(request)

    async def _healthy(self, request: web.Request) -> web.StreamResponse:
        await self._gate.pass_through(request, "")
        return web.Response(text="ok")

    def _constant(self, body: Object) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            await self._gate.pass_through(request, "")
            return responses.document(body)

        return answer

    async def _openapi(self, request: web.Request) -> web.StreamResponse:
        await self._gate.pass_through(request, "")
        return responses.document(openapi.document(request.match_info["root"]))

    async def _api(self, request: web.Request) -> web.StreamResponse:
        path = targets.split(request.path)
        if path is None:
            raise api_errors.no_such_resource()
        if path.rest and not reviews.is_review(path.group):
            target = targets.target(path)
            await self._gate.pass_through(request, target.fault_namespace)
            self._rights.check(request, target)
            return await self._verbs.handle(request, target)
        await self._gate.pass_through(request, "")
        if path.rest and request.method == "POST":
            body = await bodies.read(request)
            return responses.document(reviews.answer(path.group, path.rest[0], body, self._rights), 201)
        return responses.document(_discovered(request.path, path))


def _discovered(url: str, path: targets.ApiPath) -> Object:
    if not path.version:
        if url.rstrip("/") == "/api":
            return discovery.CORE_VERSIONS
        return discovery.group(path.group) if path.group else discovery.groups()
    return discovery.resources(path.group, path.version)
