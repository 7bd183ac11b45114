"""A chart's values from the product's template, rendered by a process with limits on time, memory and size.

Called by the workload activity and by `product check`. Every mistake is a ProductFileError with the template's line:
it is the product's, so an attempt that meets it is held until the template is corrected.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tenancy.adapters.product_file import product_error
from tenancy.saga.errors import TransientError
from tenancy.saga.product import Product

_CHILD: Final = Path(__file__).with_name("values_child.py")
_WALL_SECONDS: Final = 120.0
"""Of a busy machine; the child's own limit is of processor time."""


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
    answer = _run_child({"template": template, "variables": dict(variables)}, str(name))
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


def _run_child(request: Mapping[str, Any], name: str) -> dict[str, Any]:
    # -P: the folder of adapters must not be where the child imports from.
    command = [sys.executable, "-P", str(_CHILD)]
    try:
        ended = subprocess.run(
            command, input=json.dumps(request), capture_output=True, text=True, timeout=_WALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise TransientError(f"{name} was not rendered within {_WALL_SECONDS:.0f} s.") from error
    if ended.returncode == 0:
        answer: dict[str, Any] = json.loads(ended.stdout)
        return answer
    if ended.returncode < 0:
        return {"error": "it does not end within 1 s of processor time, or needs too much memory"}
    return {"error": f"its process ended with {ended.returncode}: {ended.stderr[-300:]}"}
