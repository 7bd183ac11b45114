"""The verbs of the API on one kind: get, list, watch, create, update, patch, delete, and the subresources.

`server.py` calls `Verbs.handle` with a parsed target. Here a request becomes calls of the registry and the store,
and their results responses; what the verbs mean is decided below.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, TypeAlias

from aiohttp import web

from cluster_emulator import api_errors, bodies, deletion, logs, pagination, responses, scales, selectors
from cluster_emulator.admission import must_match_url
from cluster_emulator.apply import Declaration
from cluster_emulator.containers.containers import Containers
from cluster_emulator.faults import ActiveFaults
from cluster_emulator.kinds import NAMESPACE, POD
from cluster_emulator.managers import FieldManager
from cluster_emulator.objects import Json, Object, encode, meta
from cluster_emulator.patches import json_patch, merge_patch
from cluster_emulator.registry import Registry, WriteOptions
from cluster_emulator.responses import ResponseForm
from cluster_emulator.selectors import Selector
from cluster_emulator.strategic import strategic_merge
from cluster_emulator.targets import RequestTarget
from cluster_emulator.watch import Stream, WatchOptions, is_watch

Handler: TypeAlias = Callable[[web.Request, RequestTarget], Awaitable[web.StreamResponse]]

_MERGERS: Final[dict[str, Callable[[Object, Json], Object]]] = {
    bodies.JSON_PATCH: json_patch,
    bodies.MERGE_PATCH: merge_patch,
    bodies.STRATEGIC_PATCH: strategic_merge,
}


def _options(request: web.Request) -> WriteOptions:
    agent = request.headers.get("User-Agent", "unknown").split("/", 1)[0]
    return WriteOptions(request.query.get("fieldManager") or agent, request.query.get("dryRun") == "All")


class Verbs:
    """What can be done with objects over HTTP."""

    def __init__(self, registry: Registry, faults: ActiveFaults, containers: Containers) -> None:
        self._registry, self._store, self._faults = registry, registry.store, faults
        self._containers = containers
        self._on_collection: dict[str, Handler] = {
            "GET": self._list,
            "POST": self._create,
            "DELETE": self._delete_all,
        }
        self._on_object: dict[str, Handler] = {
            "GET": self._get,
            "PUT": self._update,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }

    async def handle(self, request: web.Request, target: RequestTarget) -> web.StreamResponse:
        if is_watch(request):
            return await self._watch(request, target)
        handlers = self._on_object if target.name else self._on_collection
        handler = handlers.get(request.method)
        if target.subresource:
            handler = self._subresource(request, target)
        if handler is None:
            raise api_errors.method_not_allowed()
        return await handler(request, target)

    def _subresource(self, request: web.Request, target: RequestTarget) -> Handler | None:
        name, kind = target.subresource, target.kind
        if name == "scale" and kind.has_scale:
            return self._scale
        if name == "log" and kind is POD and request.method == "GET":
            return self._log
        if name == "finalize" and kind is NAMESPACE and request.method == "PUT":
            return self._update
        if name == "status" and kind.has_status and request.method != "DELETE":
            return self._on_object.get(request.method)
        raise api_errors.no_such_resource()

    # --- reading

    def _form(self, request: web.Request, target: RequestTarget) -> ResponseForm:
        return ResponseForm.of(request, target.kind, self._registry.clock)

    def _selector(self, request: web.Request, target: RequestTarget) -> Selector:
        query = request.query
        return selectors.parse(target.kind, query.get("labelSelector", ""), query.get("fieldSelector", ""))

    async def _get(self, request: web.Request, target: RequestTarget) -> web.Response:
        return responses.raw(self._form(request, target).one(self._store.get(target.key).raw))

    async def _list(self, request: web.Request, target: RequestTarget) -> web.Response:
        query, selector = request.query, self._selector(request, target)
        asked = int(query.get("resourceVersion") or 0)
        if asked > self._store.version:
            raise api_errors.too_new(asked, self._store.version)
        records = self._store.records(target.kind, target.namespace)
        behind = None
        if not selector.selects_all and records:
            behind, records = records[-1], [record for record in records if selector.matches(record.selectable)]
        limit, token = int(query.get("limit") or 0), query.get("continue", "")
        page = pagination.paginate(records, self._store.version, limit, token, behind)
        raws = [record.raw for record in page.records]
        return responses.raw(self._form(request, target).many(raws, page.metadata))

    async def _watch(self, request: web.Request, target: RequestTarget) -> web.StreamResponse:
        options = WatchOptions.of(request, target, self._selector(request, target))
        stream = Stream(request, self._store, self._faults, self._form(request, target))
        return await stream.run(options)

    async def _log(self, request: web.Request, target: RequestTarget) -> web.Response:
        pod = self._store.get(target.key).document()
        written = self._containers.log(pod)
        if written is None:
            return web.Response(text=logs.container_log(pod, request.query.get("container", "")))
        return web.Response(body=logs.cut(written, request.query), content_type="text/plain", charset="utf-8")

    # --- writing

    async def _create(self, request: web.Request, target: RequestTarget) -> web.Response:
        body = await bodies.read(request)
        obj, warnings = bodies.shaped(target.kind, body, request.query)
        must_match_url(target.kind, obj, target.namespace, "")
        made = self._registry.create(target.kind, target.namespace, obj, _options(request))
        return self._written(request, target, made, HTTPStatus.CREATED, warnings)

    async def _update(self, request: web.Request, target: RequestTarget) -> web.Response:
        body = await bodies.read(request)
        obj, warnings = bodies.shaped(target.kind, body, request.query)
        must_match_url(target.kind, obj, target.namespace, target.name)
        changed = self._registry.update(target.key, obj, _options(request), target.subresource)
        return self._written(request, target, changed, HTTPStatus.OK, warnings)

    async def _patch(self, request: web.Request, target: RequestTarget) -> web.Response:
        body = await bodies.read(request)
        if request.content_type == bodies.APPLY_PATCH:
            return self._apply(request, target, body)
        merge = _MERGERS.get(request.content_type)
        if merge is None:
            raise api_errors.unsupported_media_type(", ".join([*_MERGERS, bodies.APPLY_PATCH]))
        live = self._store.get(target.key).document()
        merged = merge(live, body)
        if meta(merged).get("resourceVersion") == live["metadata"]["resourceVersion"]:
            del merged["metadata"]["resourceVersion"]  # a patch that names none applies to any version
        obj, warnings = bodies.shaped(target.kind, merged, request.query)
        must_match_url(target.kind, obj, target.namespace, target.name)
        changed = self._registry.update(target.key, obj, _options(request), target.subresource)
        return self._written(request, target, changed, HTTPStatus.OK, warnings)

    def _apply(self, request: web.Request, target: RequestTarget, body: Object) -> web.Response:
        query = request.query
        if not query.get("fieldManager"):
            raise api_errors.bad_request('PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value')
        config, warnings = bodies.shaped(target.kind, body, query, default="Strict")
        must_match_url(target.kind, config, target.namespace, target.name)
        meta(config).setdefault("name", target.name)
        if meta(config).get("managedFields"):
            raise api_errors.bad_request("metadata.managedFields must be nil")
        manager = FieldManager(query["fieldManager"], "Apply", target.subresource)
        declaration = Declaration(config, manager, query.get("force") in ("true", "True"))
        obj, created = self._registry.apply(target.key, declaration, dry_run=query.get("dryRun") == "All")
        status = HTTPStatus.CREATED if created else HTTPStatus.OK
        return self._written(request, target, obj, status, warnings)

    def _written(
        self, request: web.Request, target: RequestTarget, obj: Object, status: HTTPStatus, warnings: list[str]
    ) -> web.Response:
        return responses.raw(self._form(request, target).one(encode(obj)), status, warnings)

    async def _scale(self, request: web.Request, target: RequestTarget) -> web.Response:
        live = self._store.get(target.key).document()
        if request.method == "GET":
            return responses.document(scales.scale_of(live))
        body = await bodies.read(request)
        merge = _MERGERS.get(request.content_type)
        desired = merge(scales.scale_of(live), body) if request.method == "PATCH" and merge else body
        new = scales.scaled(live, desired)
        options = _options(request)
        return responses.document(scales.scale_of(self._registry.update(target.key, new, options, "scale")))

    # --- deleting

    async def _delete(self, request: web.Request, target: RequestTarget) -> web.Response:
        options = deletion.parse_options(await bodies.read(request), dict(request.query), target.kind)
        last, gone = deletion.delete(self._registry, target.key, options)
        if not gone or target.kind.returned_on_delete:
            return responses.raw(self._form(request, target).one(encode(last)))
        details = {
            "name": target.name,
            "group": target.kind.group,
            "kind": target.kind.plural,
            "uid": last["metadata"]["uid"],
        }
        success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return responses.document({**success, "details": details})

    async def _delete_all(self, request: web.Request, target: RequestTarget) -> web.Response:
        options = deletion.parse_options(await bodies.read(request), dict(request.query), target.kind)
        selector = self._selector(request, target)
        records = self._store.records(target.kind, target.namespace)
        chosen = [record for record in records if selector.matches(record.selectable)]
        for record in chosen:
            deletion.delete(self._registry, record.key, options)
        metadata = {"resourceVersion": str(self._store.version)}
        return responses.raw(self._form(request, target).many([r.raw for r in chosen], metadata))
