"""The trigger form and its JSON schema: what Airflow checks of a request before a run exists.

The fixed fields come first, then the product's own parameters.

The validate_request task checks what a schema cannot express: reserved or taken slugs, room in a region.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

from airflow.sdk import Param

from tenancy.activities.validate_request import EMAIL_LIMIT, NAME_LIMIT
from tenancy.saga.names import SLUG_LIMIT, SLUG_PATTERN
from tenancy.saga.platform import Platform
from tenancy.saga.product import Product
from tenancy.saga.product_parameters import Parameter

_SHOWN: Final = ("title", "description", "enum", "minLength", "maxLength", "minimum", "maximum", "format")
"""The keywords of a product's schema that Airflow checks, too. A pattern is not among them: Airflow matches by Python's
regular expressions, which some patterns keep busy for hours; the validate_request task checks it."""


def request_params(platform: Platform, product: Product) -> dict[str, Param]:
    """The parameters of a request, in the order in which the form shows them."""
    return {**_fixed_params(platform, product), **{each.key: _param_of(each) for each in product.parameters}}


def _param_of(parameter: Parameter) -> Param:
    keywords: dict[str, Any] = {key: parameter.schema[key] for key in _SHOWN if key in parameter.schema}
    keywords["type"] = parameter.type
    if parameter.is_secret:
        keywords["pattern"] = parameter.schema["pattern"]
        keywords["description"] = f"The id of an Airflow connection that has it. {parameter.description}".strip()
    if parameter.default is not None:
        return Param(parameter.default, **keywords)
    return Param(**keywords) if parameter.required else Param(None, **_optional(keywords))


def _optional(keywords: dict[str, Any]) -> dict[str, Any]:
    choices = {"enum": [*keywords["enum"], None]} if "enum" in keywords else {}
    return {**keywords, **choices, "type": [keywords["type"], "null"]}


def _fixed_params(platform: Platform, product: Product) -> dict[str, Param]:
    return {
        "slug": Param(
            title="Slug",
            description="The tenant's short name and host name: 3 to 40 of a-z, 0-9 and single hyphens.",
            type="string",
            pattern=SLUG_PATTERN,
            minLength=3,
            maxLength=SLUG_LIMIT,
        ),
        "name": Param(
            title="Name",
            description="The organisation's name, as people write it.",
            type="string",
            minLength=1,
            maxLength=NAME_LIMIT,
        ),
        "plan": Param(
            title="Plan",
            description="What the tenant gets: connections, replicas, CPU and memory.",
            type="string",
            enum=list(platform.plans),  # retired ones too: the retry of a tenant that has one asks for it
            values_display=_displayed(platform.plans, platform.plans_for(product)),
        ),
        "region": Param(
            title="Region",
            description="Where its data and workloads live. It cannot be moved later.",
            type="string",
            enum=list(platform.regions),
            values_display=_displayed(platform.regions, platform.offered_regions),
        ),
        "admin_email": Param(
            title="Tenant admin's e-mail",
            description="Who is invited to the tenant-admin console.",
            type="string",
            format="email",
            minLength=3,
            maxLength=EMAIL_LIMIT,
        ),
    }


def _displayed(known: Iterable[str], offered: Collection[str]) -> dict[str, str]:
    """What Airflow's trigger form shows for each value."""
    return {name: name if name in offered else f"{name} (not offered to new tenants)" for name in known}
