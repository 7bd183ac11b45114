"""The faults' REST interface: POST, GET and DELETE /emulator/faults.

Used by tests and by developers who set faults, with the cluster's bearer token.
"""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from cluster_emulator import api_errors, bodies, responses
from cluster_emulator.faults import ActiveFaults, Fault, parse

FAULTS_PATH: Final = "/emulator/faults"


class FaultRoutes:
    """Sets, lists and clears faults."""

    def __init__(self, faults: ActiveFaults) -> None:
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(FAULTS_PATH, self._list),
            web.post(FAULTS_PATH, self._add),
            web.delete(FAULTS_PATH, self._clear),
            web.delete(FAULTS_PATH + "/{id}", self._clear),
        ]

    async def _list(self, _request: web.Request) -> web.Response:
        return _listed(self._faults.all())

    async def _add(self, request: web.Request) -> web.Response:
        body = await bodies.read(request)
        if not isinstance(body, dict):
            raise api_errors.bad_request("a fault is a JSON object")
        fault = parse(body)
        self._faults.add(fault)
        return responses.document(fault.document(), HTTPStatus.CREATED)

    async def _clear(self, request: web.Request) -> web.Response:
        """All of them, or those with the id, kind, namespace and selector given; answers with what was cleared."""
        desired = {**request.query, **request.match_info}
        chosen = [
            fault
            for fault in self._faults.all()
            if all(str(fault.document().get(name)) == value for name, value in desired.items())
        ]
        if not chosen and "id" in desired:
            raise api_errors.no_such_resource()
        self._faults.clear(chosen)
        return _listed(chosen)


def _listed(faults: list[Fault]) -> web.Response:
    return responses.document({"faults": [fault.document() for fault in faults]})
