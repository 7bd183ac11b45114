"""One rendering of a values template: a throw-away process. Started by values_template.py, imports nothing of ours.

A process because a template can loop without an end or fill the memory, and neither can be stopped in a thread.
"""

import json
import resource
import sys
import traceback
from contextlib import suppress
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

CPU_SECONDS = 1
"""For the rendering; a template of a thousand lines takes milliseconds."""
MEMORY_BYTES = 512 * 1024**2
LONGEST_TEXT = 256 * 1024
"""In characters. Helm's release, which is stored in a Secret, may have 1 MiB."""
_NAME = "values template"


class TooLongError(Exception):
    """the text has more than 256 Ki characters"""


def as_yaml(value: Any) -> Any:
    """What an expression writes: one value as JSON, which is YAML, too. So a tenant's name cannot become a key."""
    if isinstance(value, Undefined):
        return value  # writing it raises, with the name
    return json.dumps(value)


def render(text: str, variables: dict[str, Any]) -> str:
    """The template's text. Raises what jinja2 raises, or TooLongError."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, finalize=as_yaml, keep_trailing_newline=True)
    code = environment.compile(text, name=_NAME, filename=_NAME)
    template = Template.from_code(environment, code, environment.make_globals(None))
    written, length = [], 0
    for part in template.generate(variables):
        length += len(part)
        if length > LONGEST_TEXT:
            raise TooLongError(TooLongError.__doc__)
        written.append(part)
    return "".join(written)


def _line_of(error: BaseException) -> int | None:
    stated = getattr(error, "lineno", None)
    frames = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == _NAME]
    return stated or (frames[-1] if frames else None)


def _bound() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + 1 + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    with suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def main() -> None:
    """JSON from stdin is the request; JSON on stdout is the text, or the error with its line."""
    request = json.load(sys.stdin)
    _bound()
    answer: dict[str, Any]
    try:
        answer = {"text": render(request["template"], request["variables"])}
    except MemoryError:
        answer = {"error": "it needs more than 512 MiB of memory"}
    except RecursionError:
        answer = {"error": "it calls itself without an end"}
    except (TemplateError, TooLongError) as error:
        answer = {"error": str(error), "line": _line_of(error)}
    except Exception as error:  # noqa: BLE001 - whatever a template's expression raises
        answer = {"error": f"{type(error).__name__}: {error}", "line": _line_of(error)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
