"""Outputs of an activity: what later activities, the values template, pages and the API may know of what it made.

They are recorded for ever and shown to everybody who may read the tenant, so they must not be secrets.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import ActivityName
from tenancy.saga.recorded_values import RecordedValue, as_recorded, why_not_recordable

Outputs = Mapping[str, RecordedValue]
"""Name -> value. A template uses it by its name: `outputs.create_bucket.url`."""

NO_OUTPUTS: Final[Outputs] = MappingProxyType({})
LIMIT: Final = 4096
"""Characters of all outputs of an activity as JSON: Kubernetes' limit for a termination message, in which an activity's
container returns them (Kubernetes documentation, "Determine the Reason for Pod Failure")."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


def checked_outputs(activity: ActivityName, outputs: Mapping[str, Any] | None, *, declared: Collection[str]) -> Outputs:
    """The outputs that `run` returned, as they are recorded. PlatformError, with every mistake, if they are not the
    declared ones or cannot be recorded: the activity has to be corrected, and the attempt continues then."""
    problems = [*_undeclared(outputs or {}, declared), *output_problems(outputs or {})]
    if problems:
        raise PlatformError(
            f"The outputs of {activity} are wrong: {'; '.join(problems)}. Correct the activity.",
            cause=Cause.PLATFORM_VERSION,
        )
    return {name: as_recorded(value) for name, value in (outputs or {}).items()}


def _undeclared(outputs: Mapping[str, Any], declared: Collection[str]) -> Iterator[str]:
    yield from (f"{name} is missing" for name in declared if name not in outputs)
    yield from (f"{str(name)[:60]} is not declared" for name in outputs if name not in declared)


def output_problems(outputs: Mapping[str, Any]) -> Iterator[str]:
    """Why these outputs cannot be recorded, one sentence each."""
    for name, value in outputs.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            yield f"the name {str(name)[:60]!r} must be of a-z, 0-9 and _ and begin with a letter"
        elif why_not := why_not_recordable(value):
            yield f"{name} {why_not}"
    if len(json.dumps(dict(outputs), default=str)) > LIMIT:
        yield f"all together must not exceed {LIMIT} characters as JSON"
