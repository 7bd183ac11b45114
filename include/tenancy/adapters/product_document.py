"""The shape of `product.toml`: its keys and what each must be, by pydantic. product_file.py checks what they name."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from tenancy.adapters.container_tables import IMAGE_PATTERN
from tenancy.saga.platform_values import NAME

_LABEL_KEY: Final = r"^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
_LABEL_VALUE: Final = r"^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"
"""Kubernetes documentation, "Labels and Selectors"."""


def _text(description: str, pattern: str = r"\S") -> Any:
    """A field whose description completes "must be …"."""
    return Field(pattern=pattern, max_length=253, description=description)


class _JobTable(BaseModel):
    """The image that migrates."""

    model_config = ConfigDict(strict=True, extra="forbid")

    image: Annotated[str, _text("an image", IMAGE_PATTERN)]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$")]
    command: list[Annotated[str, Field(max_length=4096)]] = []
    timeout_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 4


class _MigrationsTable(BaseModel):
    """Migrations that are no folder."""

    model_config = ConfigDict(strict=True, extra="forbid")

    job: _JobTable


class _OciTable(BaseModel):
    """A chart in an OCI registry."""

    model_config = ConfigDict(strict=True, extra="forbid")

    oci: Annotated[str, Field(pattern=r"^oci://[a-z0-9.-]+(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$")]
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    connection: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,200}$")] | None = None


_TABLES: Final = {
    "chart": "chart must be the relative path of a folder, or { oci, version, digest } and optionally connection: an "
    "address such as oci://registry.example/charts/crm, the chart's version, the digest sha256:... that `helm push` "
    "prints, and the id of an Airflow connection",
    "migrations": "migrations must be the relative path of a folder, or job = { image, version } and optionally "
    "command, a list of texts, and timeout_minutes, a number up to 1440",
}
"""Keys that may be a table -> what it must be."""


class ProductDocument(BaseModel):
    """The file's shape. Nothing is converted, and no key is left over."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Annotated[str, _text("a lower-case word: letters, digits and hyphens", f"^(?:{NAME.pattern})$")]
    version: Annotated[str, _text("a text such as 1.0.0", r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$")]
    activities: Annotated[list[str], Field(min_length=1, description="a list of names of activities")]
    chart: str | _OciTable | None = None
    values: Annotated[str | None, _text("the relative path of a file")] = None
    migrations: str | _MigrationsTable | None = None
    admin_account: Annotated[str | None, _text("the relative path of a folder")] = None
    plans: Annotated[
        list[Annotated[str, Field(pattern=f"^(?:{NAME.pattern})$")]] | None,
        Field(min_length=1, description="a list of names of plans"),
    ] = None
    parameters: Annotated[str | None, _text("the relative path of a JSON Schema")] = None
    labels: Annotated[
        dict[Annotated[str, Field(pattern=_LABEL_KEY)], Annotated[str, Field(pattern=_LABEL_VALUE)]],
        Field(description="a table of Kubernetes labels, texts both"),
    ] = {}
    quota: Annotated[dict[str, Any], Field(description="a table")] = {}
    container_activities: Annotated[dict[str, Any], Field(description="tables of container activities")] = {}


def read_document(document: dict[str, Any]) -> tuple[ProductDocument | None, list[str]]:
    """The document, and what is wrong with its shape, one sentence each."""
    try:
        return ProductDocument.model_validate(document), []
    except ValidationError as error:
        errors = sorted(error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
        return None, list(dict.fromkeys(_sentence(each) for each in errors))


def _sentence(error: ErrorDetails) -> str:
    key = str(error["loc"][0])
    if key in _TABLES:
        return _TABLES[key]
    if error["type"] == "extra_forbidden":
        return f"unknown key {key} (there are: {', '.join(ProductDocument.model_fields)})"
    if error["type"] == "missing":
        return f"{key} is missing"
    return f"{key} must be {ProductDocument.model_fields[key].description or 'a text'}"
