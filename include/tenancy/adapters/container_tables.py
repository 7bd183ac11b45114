"""Reads the tables `[container_activities.<name>]` of a product's file: one image each, run as Kubernetes Jobs.

All mistakes are named at once, each with its key. adapters/product_file.py reads the rest of the file.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from tenancy.adapters.misplaced_keys import hint
from tenancy.saga.names import ActivityName, is_activity_name
from tenancy.saga.outputs import output_problems
from tenancy.saga.platform_values import plan_problems
from tenancy.saga.product import ContainerSpec

TABLE: Final = "container_activities"
IMAGE_PATTERN: Final = r"^[A-Za-z0-9][\w.:/@-]*$"
_LONGEST_MINUTES: Final = 24 * 60


def _word(description: str, pattern: str) -> Any:
    return Field(pattern=pattern, max_length=253, description=description)


_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class _Table(BaseModel):
    """Nothing is converted, and no key is left over. A field's description completes "must be …"."""

    model_config = ConfigDict(strict=True, extra="forbid")

    image: Annotated[str, _word("an image, such as registry.example/tool:1.2", IMAGE_PATTERN)]
    label: Annotated[str, Field(pattern=r"\S", max_length=60, description="a text of at most 60 characters")]
    resource: Annotated[str, _word("a word of a-z, 0-9 and _", r"^[a-z][a-z0-9_]{0,62}$")]
    requires: Annotated[list[_Name], Field(description="a list of names of activities")] = []
    timeout_minutes: Annotated[
        float, Field(gt=0, le=_LONGEST_MINUTES, description=f"a number of minutes, at most {_LONGEST_MINUTES}")
    ] = 5
    connections: Annotated[
        list[_Name], Field(description="a list of kinds of system, to which the platform file names connections")
    ] = []
    outputs: Annotated[dict[str, str | int | float | bool], Field(description="a table of name = example")] = {}
    cpu: Annotated[str, Field(description="a Kubernetes quantity")] = "250m"
    memory: Annotated[str, Field(description="a Kubernetes quantity")] = "256Mi"
    stuck_advice: Annotated[str, Field(max_length=200, description="a text of at most 200 characters")] = ""
    manual_removal: Annotated[str, Field(max_length=200, description="a text of at most 200 characters")] = ""


def read_containers(document: dict[str, Any], product: str) -> tuple[tuple[ContainerSpec, ...], list[str]]:
    """The container activities of a parsed product file, and what is wrong with their tables."""
    tables = document.get(TABLE, {})
    if not isinstance(tables, dict):
        return (), [f"{TABLE} must have tables, such as [{TABLE}.create_mailbox]"]
    specs: list[ContainerSpec] = []
    problems: list[str] = []
    for name, table in tables.items():
        found = list(_problems(name, table))
        problems += [f"{TABLE}.{name}{problem}" for problem in found]
        if not found:
            specs.append(_spec(name, product, _Table.model_validate(table)))
    return tuple(specs), problems


def _problems(name: str, table: Any) -> Iterator[str]:
    if not is_activity_name(name):
        yield ": the name must be of a-z, 0-9 and _, begin with a letter and have at most 63 characters"
        return
    try:
        parsed = _Table.model_validate(table)
    except ValidationError as error:
        yield from dict.fromkeys(_sentence(each, f"{TABLE}.{name}") for each in error.errors(include_url=False))
        return
    yield from (f".outputs: {problem}" for problem in output_problems(parsed.outputs))
    size = {"replicas": 1, "cpu": parsed.cpu, "memory": parsed.memory}
    yield from (f".{problem}" for problem in plan_problems(size))


def _sentence(error: ErrorDetails, table: str) -> str:
    if not error["loc"]:
        return " must be a table"
    key = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f": unknown key {key} (there are: {', '.join(_Table.model_fields)}){hint(key, table)}"
    if error["type"] == "missing":
        return f".{key} is missing"
    return f".{key} must be {_Table.model_fields[key].description}"


def _spec(name: str, product: str, table: _Table) -> ContainerSpec:
    return ContainerSpec(
        name=ActivityName(name),
        product=product,
        requires=tuple(ActivityName(each) for each in table.requires),
        connections=tuple(table.connections),
        outputs=tuple(table.outputs.items()),
        **table.model_dump(exclude={"requires", "connections", "outputs"}),
    )
