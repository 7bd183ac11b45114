"""Exit codes and errors, split by what the caller should do next.

Every error has one sentence for the operator. `commands` prints it and returns the class's exit code.
"""

# ruff: noqa: N818 - they are named by what happened

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Outcomes that a script can distinguish. A test compares these with the table in docs/reference/tenantctl.md."""

    DONE = 0
    """Done, or it was already done."""
    FAILED = 1
    """The tenant ended Failed, or the request failed."""
    USAGE = 2
    """The command line or the request is wrong. Nothing was done."""
    REFUSED = 3
    """The action is not allowed now. The sentence has the next step."""
    NOT_FOUND = 4
    """There is no such tenant."""
    NOT_ALLOWED = 5
    """Not logged in, or this user may not do that."""
    TIMED_OUT = 6
    """Not done within --timeout. The operation continues."""
    INTERRUPTED = 130
    """Ctrl-C."""
    PIPE_CLOSED = 141
    """The reader of the output has closed the pipe, as with `| head`."""


class TenantctlError(Exception):
    """The command cannot go on."""

    code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, sentence: str, *, retry_after: int | None = None, field: str = "", body: str = "") -> None:
        """`body` is the API's JSON about the error, or "". `retry_after` is in seconds."""
        super().__init__(sentence)
        self.sentence = sentence
        self.retry_after = retry_after
        self.field = field
        self.body = body


class Unavailable(TenantctlError):
    """Tenancy is unavailable. The same request may succeed later."""


class ApiFailure(TenantctlError):
    """The server did not respond as the API does. A repetition does not help."""


class UsageError(TenantctlError):
    """The command line or the request is wrong."""

    code = ExitCode.USAGE


class Refused(TenantctlError):
    """The action is not allowed."""

    code = ExitCode.REFUSED


class TenantNotFound(TenantctlError):
    """No tenant has this id or slug."""

    code = ExitCode.NOT_FOUND


class NotAuthorized(TenantctlError):
    """Not logged in, or not permitted."""

    code = ExitCode.NOT_ALLOWED


class TimedOut(TenantctlError):
    """Not done in time."""

    code = ExitCode.TIMED_OUT
