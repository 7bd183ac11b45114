"""Jinja2 for a values template. values_template.py runs it in a process with limits."""

import json
import re
import traceback
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_TEXT: Final = 256 * 1024
"""In characters. Helm's release, which is stored in a Secret, may have 1 MiB."""
_NAME: Final = "values template"


class TooLongError(Exception):
    """the text has more than 256 Ki characters"""


def render(text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """{"text": …}, or {"error": …, "line": …} of a template that is wrong."""
    try:
        return {"text": _generate(text, variables)}
    except MemoryError:
        return {"error": "it needs more than 512 MiB of memory"}
    except RecursionError:
        return {"error": "it calls itself without an end"}
    except (TemplateError, TooLongError) as error:
        return {"error": str(error), "line": _line_of(error)}
    except Exception as error:  # noqa: BLE001 - whatever a template's expression raises
        return {"error": f"{type(error).__name__}: {error}", "line": _line_of(error)}


def _generate(text: str, variables: Mapping[str, Any]) -> str:
    environment = ImmutableSandboxedEnvironment(
        undefined=_undefined_in(variables), finalize=_as_yaml, keep_trailing_newline=True
    )
    code = environment.compile(text, name=_NAME, filename=_NAME)
    template = Template.from_code(environment, code, environment.make_globals(None))
    written, length = [], 0
    for part in template.generate(variables):
        length += len(part)
        if length > LONGEST_TEXT:
            raise TooLongError(TooLongError.__doc__)
        written.append(part)
    return "".join(written)


def _undefined_in(variables: Mapping[str, Any]) -> type[StrictUndefined]:
    """Jinja2's own, which names the mapping that has no such key, and the keys that it has."""

    class Unknown(StrictUndefined):
        @property
        def _undefined_message(self) -> str:
            has, place = self._undefined_obj, _place_of(self._undefined_obj, variables)
            if self._undefined_hint or not place:
                return str(super()._undefined_message)
            keys = ", ".join(sorted(map(str, has)))
            known = f"there {'is' if len(has) == 1 else 'are'}: {keys}" if has else "there are none"
            return f"{place} has no {self._undefined_name} ({known})"

    return Unknown


def _place_of(found: Any, variables: Mapping[str, Any]) -> str:
    """How a template writes this mapping, such as outputs.database; empty when it is none of the variables."""
    for name, value in variables.items():
        if value is found and isinstance(value, Mapping):
            return name
        if isinstance(value, Mapping) and (inner := _place_of(found, value)):
            return f"{name}.{inner}"
    return ""


def _as_yaml(value: Any) -> Any:
    """What an expression writes: one value as JSON, which is YAML, too. So a tenant's name cannot become a key."""
    if isinstance(value, Undefined):
        return value  # writing it raises, with the name
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
"""Characters that YAML does not allow, or reads as a line break. All others stay as they are: JSON escapes an emoji as
two surrogates, which YAML reads as two broken characters."""


def _line_of(error: BaseException) -> int | None:
    stated = getattr(error, "lineno", None)
    frames = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == _NAME]
    return stated or (frames[-1] if frames else None)
