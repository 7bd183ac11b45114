"""Exit codes, and the errors that end in them: split by what whoever called us should do next.

Every error carries one sentence for the operator. `cli` prints it and turns the class into the code.
"""

# ruff: noqa: N818 - they are named by what happened

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a script can tell apart. docs/reference/tenantctl.md has the same table (a test holds them together)."""

    DONE = 0
    """Done, or it was so already."""
    FAILED = 1
    """The tenant ended Failed, or Tenancy could not be asked."""
    USAGE = 2
    """The command line or the request is wrong; nothing was done."""
    REFUSED = 3
    """The law does not allow it now; the sentence says what does help."""
    NOT_FOUND = 4
    """There is no such tenant."""
    NOT_ALLOWED = 5
    """Not logged in, or this user may not do that."""
    TIMED_OUT = 6
    """Not done within --timeout; it goes on without us."""
    INTERRUPTED = 130
    """Ctrl-C."""
    PIPE_CLOSED = 141
    """Nobody reads our output any more, as with `| head`."""


class TenantctlError(Exception):
    """The command cannot go on."""

    code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, sentence: str, *, retry_after: int | None = None, field: str = "", body: str = "") -> None:
        """`body` is the API's own JSON about it, "" when it said none; `retry_after` is in seconds."""
        super().__init__(sentence)
        self.sentence = sentence
        self.retry_after = retry_after
        self.field = field
        self.body = body


class Unavailable(TenantctlError):
    """Tenancy does not answer at the moment; the same call may succeed later."""


class ApiFailure(TenantctlError):
    """What answers is not the API we know; asking again does not help."""


class UsageError(TenantctlError):
    """The command line or the request is wrong."""

    code = ExitCode.USAGE


class Refused(TenantctlError):
    """The law does not allow it."""

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
