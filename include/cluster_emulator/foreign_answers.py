"""Answers that are not this cluster's: a router's 404, a proxy's login page, another and empty cluster.

What a client gets when a region's address leads elsewhere. Raised by `fault_gate.py`, sent by `server.py` as they are.
"""

from http import HTTPStatus

from aiohttp import web

from cluster_emulator import api_errors, responses, targets
from cluster_emulator.api_errors import ApiError
from cluster_emulator.faults import Fault, FaultKind
from cluster_emulator.kinds import NAMESPACE

_LOGIN_PAGE = "<!doctype html><title>Sign in</title><form action=/login><input name=password></form>"
_OTHER_UID = "0dd00000-0000-4000-8000-00000000c105"


class ForeignAnswerError(Exception):
    """The response of another server."""

    def __init__(self, response: web.Response) -> None:
        super().__init__("answered by somebody else")
        self.response = response


def answer_instead(fault: Fault, request: web.Request) -> Exception:
    """What is raised in the place of this cluster's answer."""
    if fault.kind is FaultKind.ROUTER_404:
        return ForeignAnswerError(web.Response(text="404 page not found\n", status=HTTPStatus.NOT_FOUND))
    if fault.kind is FaultKind.LOGIN_PAGE:
        return ForeignAnswerError(web.Response(text=_LOGIN_PAGE, content_type="text/html"))
    return _of_other_cluster(request)


def _of_other_cluster(request: web.Request) -> Exception:
    """A cluster with its own kube-system and nothing else, in which our account may write nothing."""
    path = targets.split(request.path)
    if path is None or not path.rest:
        return api_errors.no_such_resource()
    target = targets.target(path)
    if request.method != "GET":
        return ApiError(HTTPStatus.FORBIDDEN, "Forbidden", f"{target.kind.resource} is forbidden: no right to write")
    if target.kind is NAMESPACE and target.name == "kube-system":
        metadata = {"name": "kube-system", "uid": _OTHER_UID}
        document = {"kind": "Namespace", "apiVersion": "v1", "metadata": metadata}
        return ForeignAnswerError(responses.document(document))
    if target.name:
        return api_errors.not_found(target.kind, target.name)
    kind = {"kind": f"{target.kind.name}List", "apiVersion": target.kind.group_version}
    return ForeignAnswerError(responses.document({**kind, "metadata": {"resourceVersion": "1"}, "items": []}))
