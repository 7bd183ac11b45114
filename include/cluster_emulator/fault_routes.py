"""The faults' REST interface: POST, GET and DELETE /sandbox/faults.

Used by `python -m sandbox fault` and by tests, with the cluster's bearer token.
"""

from http import HTTPStatus

from aiohttp import web

from cluster_emulator import answers, bodies, problems
from cluster_emulator.faults import Fault, FaultBook, parse


class FaultRoutes:
    """Sets, lists and clears faults."""

    def __init__(self, faults: FaultBook) -> None:
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        place = "/sandbox/faults"
        return [
            web.get(place, self._list),
            web.post(place, self._add),
            web.delete(place, self._clear),
            web.delete(place + "/{id}", self._clear),
        ]

    async def _list(self, _request: web.Request) -> web.Response:
        return _listed(self._faults.all())

    async def _add(self, request: web.Request) -> web.Response:
        body = await bodies.read(request)
        if not isinstance(body, dict):
            raise problems.bad_request("a fault is a JSON object")
        fault = parse(body)
        self._faults.add(fault)
        return answers.document(fault.document(), HTTPStatus.CREATED)

    async def _clear(self, request: web.Request) -> web.Response:
        """All of them, or those with the id, kind, namespace and selector given; answers with what was cleared."""
        wanted = {**request.query, **request.match_info}
        chosen = [
            fault
            for fault in self._faults.all()
            if all(str(fault.document().get(name)) == value for name, value in wanted.items())
        ]
        if not chosen and "id" in wanted:
            raise problems.no_such_resource()
        self._faults.clear(chosen)
        return _listed(chosen)


def _listed(faults: list[Fault]) -> web.Response:
    return answers.document({"faults": [fault.document() for fault in faults]})
