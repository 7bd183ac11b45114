"""Validate request: are the parameters well-formed, and does the platform offer the plan and the region?

`check_request` checks a run's conf before anything is reserved; the ledger reserves the slug when the attempt starts
(engine/provisioning/admission.py). A refused request reserves nothing.
"""

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from email_validator import EmailNotValidError, validate_email

from tenancy.activities.activity import Activity
from tenancy.activities.context import ActivityContext
from tenancy.saga.advice import Remedy
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, Refused
from tenancy.saga.names import ActivityName, is_slug
from tenancy.saga.platform import Platform
from tenancy.saga.product import Product
from tenancy.saga.product_parameters import PREFIX, Value, known_values
from tenancy.saga.reserved_slugs import reserved_for
from tenancy.saga.states import ActivityKind
from tenancy.saga.storable_text import why_not_storable
from tenancy.saga.tenant import Parameters

FIELDS: Final = ("slug", "name", "plan", "region", "admin_email")
NAME_LIMIT: Final = 100
EMAIL_LIMIT: Final = 254
"""RFC 5321, as email-validator enforces it."""
_BLANK_LETTERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and symbols to Unicode, nothing to the eye: fillers, vowel carriers, the empty Braille cell."""


class ValidateRequest(Activity):
    """Checks the request once more under the lease; makes nothing."""

    name = ActivityName("validate_request")
    label = "Validate request"
    short_label = "validate input"
    kind = ActivityKind.CHECK
    stuck_remedy = Remedy("Cancel provisioning, correct the input, and recreate.", "cancel")

    def run(self, context: ActivityContext) -> None:
        """Raises PermanentError if the platform no longer offers the plan or region, or the product the parameters.

        PermanentError, too, if another activity cannot carry the request out, and PlatformError if a connection that
        has a secret of the tenant is missing: better now than after its database is made.
        """
        try:
            saga, product = context.saga, context.product
            check_request(corrected(saga.parameters, {}, product), context.platform, product, saga.kept_values)
        except Refused as refusal:
            raise PermanentError(str(refusal), cause=Cause.INPUT) from refusal
        context.parameter_secrets()
        context.check_request_by_all()


def check_request(
    conf: Mapping[str, Any], platform: Platform, product: Product, kept: Mapping[str, Value] = MappingProxyType({})
) -> Parameters:
    """The parameters of a well-formed request; Refused names each field at fault and the reason otherwise.

    `kept`: values that a retry cannot change. They are not compared with a schema that became stricter meanwhile.
    The name is put into Unicode's composed form (NFC): macOS sends é as two characters, and it is the same name.
    """
    from tenancy.adapters.parameter_values import check_values  # the library takes a while to import

    checked = dict(conf)
    if isinstance(name := conf.get("name"), str):
        checked["name"] = unicodedata.normalize("NFC", name)
    values, wrong_values = check_values(product.parameters, checked, kept)
    mistakes = {
        **_unknown_fields(checked, product),
        **dict(_wrong_fields(checked, platform)),
        **{f"{PREFIX}{key}": f"{key}: {why_not}." for key, why_not in wrong_values.items()},
    }
    if mistakes:
        raise Refused(" ".join(mistakes.values()), field=next(iter(mistakes)), fields=mistakes)
    return Parameters(**{field: checked[field] for field in FIELDS}, values=values)


def corrected(before: Parameters, corrections: Mapping[str, Any], product: Product) -> dict[str, Any]:
    """The request of a next attempt. Parameters that the product no longer has are left out."""
    kept = replace(before, values=known_values(product.parameters, before.values))
    return {**kept.conf, **corrections}


def require_not_reserved(slug: str) -> None:
    """Refused when no new tenant may have this slug. One that has it from an earlier version keeps it."""
    if meaning := reserved_for(slug):
        raise Refused(f"slug: {slug} is reserved for {meaning}. Choose another one.", field="slug")


def printable(text: str) -> str:
    """The text, escaped if it has characters that PostgreSQL cannot store or a console cannot show."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _unknown_fields(conf: Mapping[str, Any], product: Product) -> dict[str, str]:
    """The first field that does not exist, with a sentence."""
    known = (*FIELDS, *(parameter.key for parameter in product.parameters))
    unknown = sorted(str(key) for key in conf if key not in known)[:1]
    keys = (printable(key[:60]) for key in unknown)
    return {key: f"{key}: no such field. A request has {', '.join(known)}." for key in keys}


def _wrong_fields(conf: Mapping[str, Any], platform: Platform) -> Iterator[tuple[str, str]]:
    for field in FIELDS:
        try:
            _CHECKS[field](_text(field, conf.get(field)), platform)
        except Refused as refusal:
            yield field, str(refusal)


def _text(field: str, value: Any) -> str:
    if value is None or value == "":
        raise Refused(f"{field}: is missing.", field=field)
    if not isinstance(value, str):
        raise Refused(f"{field}: must be a text.", field=field)
    if why_not := why_not_storable(value):
        raise Refused(f"{field}: {why_not}.", field=field)
    return value


def _check_slug(slug: str, _platform: Platform) -> None:
    if not is_slug(slug):
        raise Refused(
            "slug: must be 3 to 40 characters, a to z, 0 to 9 and single hyphens, beginning with a letter "
            "and not ending with a hyphen.",
            field="slug",
        )


def _check_name(name: str, _platform: Platform) -> None:
    if len(name) > NAME_LIMIT:
        raise Refused(f"name: is longer than {NAME_LIMIT} characters.", field="name")
    if not name.strip() or name != name.strip():
        raise Refused("name: must not be blank nor begin or end with a space.", field="name")
    if any(_is_invisible(character) for character in name):
        raise Refused("name: has control, invisible or direction-changing characters.", field="name")


def _is_invisible(character: str) -> bool:
    """Control, format (bidi marks, zero-width), surrogate, private use, unassigned, line and paragraph separators."""
    category = unicodedata.category(character)
    return category.startswith("C") or category in {"Zl", "Zp"} or character in _BLANK_LETTERS


def require_offered(asked: Parameters, platform: Platform, before: Parameters | None = None) -> None:
    """Refused, with the field, when a new tenant asks for a retired plan or region; one that has it keeps it."""
    for field, offered in (("plan", platform.offered_plans), ("region", platform.offered_regions)):
        value = getattr(asked, field)
        if value not in offered and (before is None or value != getattr(before, field)):
            raise Refused(_not_offered(field, value, offered), field=field)


def require_plan_of(product: Product, asked: Parameters, platform: Platform, before: Parameters | None = None) -> None:
    """Refused when the product does not offer the plan to new tenants; one that has it keeps it."""
    offered = platform.plans_for(product)
    if asked.plan not in offered and (before is None or asked.plan != before.plan):
        there = ", ".join(offered) or "none"
        raise Refused(f"plan: {product.name} is not offered with {asked.plan}. It has {there}.", field="plan")


def _check_plan(plan: str, platform: Platform) -> None:
    if plan not in platform.plans:
        raise Refused(_not_offered("plan", plan, platform.offered_plans), field="plan")


def _check_region(region: str, platform: Platform) -> None:
    if region not in platform.regions:
        raise Refused(_not_offered("region", region, platform.offered_regions), field="region")


def _not_offered(field: str, value: str, offered: Collection[str]) -> str:
    return f"{field}: {value[:60]!r} is not offered. This platform has {', '.join(sorted(offered))}."


def _check_email(address: str, _platform: Platform) -> None:
    if len(address) > EMAIL_LIMIT:
        raise Refused(f"admin_email: is longer than {EMAIL_LIMIT} characters.", field="admin_email")
    if not address.isascii():
        raise Refused("admin_email: must be plain ASCII.", field="admin_email")
    try:
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise Refused(f"admin_email: is not an e-mail address: {error}", field="admin_email") from error


_CHECKS: Final[Mapping[str, Callable[[str, Platform], None]]] = {
    "slug": _check_slug,
    "name": _check_name,
    "plan": _check_plan,
    "region": _check_region,
    "admin_email": _check_email,
}
"""Field -> its check, which raises Refused."""
