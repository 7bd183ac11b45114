"""A chart's values from the product's template, rendered by a process with limits on time, memory and size.

Called by the workload activity and by `product check`. Every mistake is a ProductFileError with the template's line:
it is the product's, so an attempt that meets it is held until the template is corrected.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import yaml

from tenancy.adapters import template_rendering
from tenancy.adapters.limited_process import LimitExceededError, Limits, run_limited
from tenancy.adapters.product_error import product_error
from tenancy.saga.errors import TransientError
from tenancy.saga.product import Product

_LIMITS: Final = Limits(cpu=1, wall=120.0, memory=512 * 1024**2)
"""A template of a thousand lines takes milliseconds; the wall time is for a busy machine."""


class _Loader(yaml.SafeLoader):
    """Without aliases: nine lines of them make a document of gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed")
        return super().compose_node(parent, index)


def render_values(product: Product, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The values of one tenant. ProductFileError, TransientError when the machine is too busy."""
    assert product.values is not None  # a product with a chart has a template
    name = product.values.relative_to(product.folder)
    try:
        template = product.values.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise product_error(product.folder, [f"{name}: cannot be read: {error}"]) from error
    answer = _render(template, variables, str(name))
    if "error" in answer:
        place = f" in line {answer['line']}" if answer.get("line") else ""
        raise product_error(product.folder, [f"{name}{place}: {' '.join(str(answer['error']).split())[:300]}"])
    return _mapping(answer["text"], str(name), product)


def _mapping(text: str, name: str, product: Product) -> dict[str, Any]:
    try:
        values = yaml.load(text, _Loader)  # noqa: S506 - a safe loader
        json.dumps(values)
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1} of its result" if error.problem_mark else ""
        problem = f"{name}{where}: is not YAML: {error.problem}. An expression writes one whole value, quoted"
        raise product_error(product.folder, [problem]) from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise product_error(product.folder, [f"{name}: its result is not YAML of plain values: {error}"]) from error
    if not isinstance(values, dict):
        raise product_error(product.folder, [f"{name}: its result must be a mapping"])
    return values


def _render(template: str, variables: Mapping[str, Any], name: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = run_limited(lambda: template_rendering.render(template, variables), _LIMITS)
    except LimitExceededError:
        return {"error": "it does not end within 1 s of processor time, or needs too much memory"}
    except TimeoutError as error:
        raise TransientError(f"{name} was not rendered within {_LIMITS.wall:.0f} s.") from error
    return answer
