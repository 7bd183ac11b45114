"""Connects to PostgreSQL so that a refused connection has its SQLSTATE, which neither libpq nor psycopg provides.

At a higher verbosity libpq writes the code into the message of a failed connection. psycopg (3.3.9) has no call for the
verbosity, so this calls the libpq that psycopg loaded. Only the code is read from the message.
"""

import ctypes
import re
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Self, cast

import psycopg
from psycopg import pq
from psycopg.waiting import Wait

if TYPE_CHECKING:
    from psycopg.abc import PQGenConn
    from psycopg.pq.abc import PGconn

_DEFAULT, _VERBOSE = 1, 2
"""PGVerbosity (libpq-fe.h)."""
_CODE: Final = re.compile(r": {2}(?=[A-Z]*[0-9])([0-9A-Z]{5}): ")
"""libpq's format: `FATAL: 28P01: …`, with the severity in any language (fe-protocol3.c, pqBuildErrorMessage3)."""
_LOCATION: Final = re.compile(r"\n\S+: {2}(?:\w+, )?[\w./-]+:\d+\s*$", re.MULTILINE)


class SqlstateConnection(psycopg.BaseConnection[Any]):
    """Base of our connections: an error of connecting has the SQLSTATE of the refusal."""

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> "PQGenConn[Self]":
        """psycopg's own method (3.3.9) with another generator."""
        return cls((yield from _connect(conninfo)))


def _connect(conninfo: str) -> "PQGenConn[PGconn]":
    """As psycopg.generators.connect, but verbose until the connection is open."""
    connection = pq.PGconn.connect_start(conninfo.encode())
    _set_verbosity(connection, _VERBOSE)
    status = pq.PollingStatus.FAILED if connection.status == pq.ConnStatus.BAD else connection.connect_poll()
    while status in {pq.PollingStatus.READING, pq.PollingStatus.WRITING}:
        wait = Wait.R if status == pq.PollingStatus.READING else Wait.W
        while not (yield connection.socket, wait):
            pass
        status = connection.connect_poll()
    if status != pq.PollingStatus.OK:
        raise _refusal(connection)
    _set_verbosity(connection, _DEFAULT)
    connection.nonblocking = 1
    return connection


def _refusal(connection: "PGconn") -> psycopg.Error:
    text = connection.get_error_message("utf-8")
    connection.finish()
    codes = _CODE.findall(text)
    message = f"connection failed: {_LOCATION.sub('', _CODE.sub(':  ', text))}"
    if not codes:
        return psycopg.OperationalError(message)
    try:
        return psycopg.errors.lookup(codes[-1])(message)
    except KeyError:  # a code that this psycopg does not know
        error = psycopg.OperationalError(message)
        error.sqlstate = codes[-1]
        return error


def _set_verbosity(connection: "PGconn", verbosity: int) -> None:
    if (call := _verbosity_call()) is not None:
        call(cast("Any", connection).pgconn_ptr, verbosity)


@lru_cache(maxsize=1)
def _verbosity_call() -> Any:
    """libpq's PQsetErrorVerbosity; None if psycopg has no libpq of its own. Then no SQLSTATE is known."""
    try:
        implementation = import_module("psycopg_binary.pq")  # absent where psycopg was built otherwise
        # The loader looks in all that the module was linked with.
        call = ctypes.PyDLL(str(implementation.__file__)).PQsetErrorVerbosity
    except (ImportError, OSError, AttributeError):
        return None
    call.argtypes, call.restype = (ctypes.c_void_p, ctypes.c_int), ctypes.c_int
    return call
