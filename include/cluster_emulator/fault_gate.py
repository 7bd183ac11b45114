"""Where HTTP faults bite: in front of every API request, by namespace and by what the request does.

A middleware of `server.py`. The faults' own routes never pass here, so a fault can always be cleared. Open watches
are held and cut in `watch.py`.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from cluster_emulator import api_errors, bodies
from cluster_emulator.api_errors import ApiError
from cluster_emulator.faults import FOREIGN_ANSWERS, HTTP_FAULTS, ActiveFaults, Fault, FaultKind
from cluster_emulator.foreign_answers import answer_instead
from cluster_emulator.objects import lookup
from cluster_emulator.watch import is_watch

_POLL_SECONDS = 0.1


def operation(request: web.Request) -> str:
    if request.method in ("GET", "HEAD"):
        return "watch" if is_watch(request) else "get"
    return "write"


class FaultGate:
    """Lets a request through, late or never."""

    def __init__(self, faults: ActiveFaults) -> None:
        self._faults = faults

    async def pass_through(self, request: web.Request, namespace: str) -> None:
        """Returns when the request may be handled; raises what the fault makes of it."""
        fault = self._faults.find(HTTP_FAULTS, namespace, operation(request), await _labels_of_new(request))
        if fault is None:
            return
        if fault.kind is FaultKind.HANG:
            await self._hang(fault)
        elif fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.milliseconds / 1000)
        elif fault.kind is FaultKind.REFUSE:
            cut_connection(request)
        elif fault.kind in FOREIGN_ANSWERS:
            raise answer_instead(fault, request)
        else:
            raise _failure(fault)

    async def _hang(self, fault: Fault) -> None:
        """Until the fault is cleared or its `seconds` are over: then the request continues, late, as real ones do."""
        waited = 0.0
        while fault in self._faults.all() and (not fault.seconds or waited < fault.seconds):
            await asyncio.sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS


async def _labels_of_new(request: web.Request) -> Mapping[str, str]:
    """The labels of the namespace that this request would create: faults that are selected by label apply to it
    already."""
    if request.method != "POST" or request.path != "/api/v1/namespaces":
        return {}
    # aiohttp keeps the body, so that who handles the request reads it again.
    return lookup(await bodies.read(request), "metadata", "labels") or {}


def cut_connection(request: web.Request) -> None:
    """Ends the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError("cut by a fault")


def _failure(fault: Fault) -> ApiError:
    if fault.kind is FaultKind.HTTP_429:
        message = "the server has received too many requests and has asked us to try again later"
        details = {"retryAfterSeconds": fault.retry_after}
        return ApiError(
            HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequests", message, details, retry_after=fault.retry_after
        )
    return api_errors.internal("etcdserver: request timed out")
