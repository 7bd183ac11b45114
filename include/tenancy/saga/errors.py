"""The errors that one layer raises for another, split by what the caller should do: retry, give up, or accept a
refusal.

They do not import Airflow; the DAG's retry policy matches them by dotted name. The docstring of a class is its default
message.
"""

from collections.abc import Mapping
from typing import Self

from tenancy.saga.causes import Cause


class TenancyError(Exception):
    """Something went wrong with a tenant's saga. `cause` is the obstacle, if it is known."""

    cause: Cause = Cause.UNKNOWN

    def __init__(self, message: str | None = None, *, cause: Cause | None = None) -> None:
        super().__init__(message or type(self).__doc__)
        if cause is not None:
            self.cause = cause


def cause_in(error: BaseException | None) -> Cause:
    """The cause of this error, or else of the nearest error in its `__cause__` chain that has one."""
    while error is not None:
        if isinstance(error, TenancyError) and error.cause is not Cause.UNKNOWN:
            return error.cause
        error = error.__cause__
    return Cause.UNKNOWN


class TransientError(TenancyError):
    """An outside system did not respond or is busy; the same call may succeed later."""

    retry_after: int | None = None
    """Seconds to wait, if the system asked for that."""


class PermanentError(TenancyError):
    """The same call would fail again; somebody has to change something first."""


class PlatformError(TenancyError):
    """The platform is at fault, not the tenant: its configuration, our credentials, the ledger's version.

    The attempt is held and tried again; nothing is undone because of it (docs/architecture.md, "Failure classes").
    """

    cause = Cause.PLATFORM_FAULT

    def naming(self, connection: str) -> Self:
        """This error, with the Airflow connection's id added to its sentence."""
        if connection and connection not in str(self):
            self.args = (f"{str(self).rstrip('.')} (Airflow connection {connection}).",)
        return self


class OtherSystemError(PlatformError):
    """Another system answers than the one in which the tenant's objects were made: its answers prove nothing."""

    cause = Cause.OTHER_SYSTEM


class TenantPasswordError(PlatformError):
    """The tenant's role refuses the password that Tenancy set: the tenant has changed it, which every role may do.

    Held like a fault of the platform, because a changed password destroys nothing. Setting it again mends it.
    """

    cause = Cause.STORAGE_ROLE_CHANGED


class ForeignObjectError(PermanentError):
    """An object of the name we need exists, and it does not carry our proof of ownership."""

    cause = Cause.FOREIGN_OBJECT


class LedgerOutdatedError(PlatformError):
    """The ledger and this code are of different versions."""

    cause = Cause.PLATFORM_VERSION


class PlatformFileError(PlatformError):
    """The platform file is missing or wrong."""

    cause = Cause.PLATFORM_FILE


class ProductFileError(PlatformError):
    """The product's folder is missing or wrong. `problems`: one sentence each, beginning with the file."""

    cause = Cause.PLATFORM_FILE
    problems: tuple[str, ...] = ()


class Stopped(TransientError):  # noqa: N818 - it is no fault of anybody's
    """Airflow stopped this task's process: its run was ended, or its worker is going down."""


class Refused(TenancyError):  # noqa: N818 - a refusal is an answer, not an error
    """The action is not allowed in the present state.

    `field` names the input at fault (a request's key), `retry_after` the seconds after which asking again helps.
    `fields` has each input at fault with its sentence; the first one is `field`. A refusal never unwinds anything
    (docs/architecture.md, "Failure classes").
    """

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        fields: Mapping[str, str] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.field = field
        self.fields = fields or ({field: message} if field else {})
        self.retry_after = retry_after


class StaleLease(Refused):
    """A process of an older attempt or task instance tried to act; a newer one has taken its place."""


class OutOfTurn(Refused):
    """An activity before this one is running: its task was cleared while this one ran. It has to wait."""
