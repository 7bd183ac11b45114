"""The API's request bodies and parameters. All are bounded, and have nothing that PostgreSQL could not store."""

from typing import Annotated, Any

from fastapi import Header, Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from tenancy.activities.validate_request import EMAIL_LIMIT, NAME_LIMIT
from tenancy.saga.names import SLUG_LIMIT
from tenancy.saga.storable_text import why_not_storable

REASON_LIMIT = 500
NOTE_LIMIT = 2000
PARAMETER_NAME_LIMIT = 63
PARAMETERS_AT_MOST = 50


def _storable(text: str) -> str:
    if why_not := why_not_storable(text):
        raise ValueError(why_not)
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text.strip()


def _unix_lines(value: Any) -> Any:
    """A form sends each line break as two characters; its limit counts one."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _storable(value)
    if value is not None and not isinstance(value, bool | int | float):
        raise ValueError("must be a text, a number, true or false")
    return value


Text = Annotated[str, AfterValidator(_storable)]
Reason = Annotated[Text, Field(min_length=1, max_length=REASON_LIMIT), AfterValidator(_not_blank)]
NoteText = Annotated[
    Text, Field(min_length=1, max_length=NOTE_LIMIT), AfterValidator(_not_blank), BeforeValidator(_unix_lines)
]
Slug = Annotated[Text, Field(max_length=SLUG_LIMIT)]
Name = Annotated[Text, Field(max_length=NAME_LIMIT)]
Email = Annotated[Text, Field(max_length=EMAIL_LIMIT)]

Product = Annotated[Text, Field(max_length=60, description="Its name; without it the default product")]
ProductParameters = Annotated[
    dict[
        Annotated[str, Field(max_length=PARAMETER_NAME_LIMIT)],
        Annotated[Any, AfterValidator(_plain), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})],
    ],
    Field(
        max_length=PARAMETERS_AT_MOST,
        description="The product's own parameters. A text may spell a number, or true or false, where the product asks "
        "for one; null is the same as nothing",
    ),
]
"""Their schema is the product's: activities/validate_request.py checks the values."""

Ref = Annotated[str, Path(description="A tenant's id or slug. A slug is its live tenant, else the newest that had it")]
DryRun = Annotated[bool, Query(description="Only return what it would do")]
IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="The same key with the same request gets the first answer again, for a day",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
    ),
]
Search = Annotated[
    Text | None, Query(min_length=1, max_length=100, description="Start of a slug, an id, or words of a name")
]
FilterValue = Annotated[Text | None, Query(min_length=1, max_length=60)]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before")]
PageSize = Annotated[int, Query(ge=1, le=200)]
FactsPage = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[int, Query(ge=0, le=2**62)]
Part = Annotated[str | None, Query(pattern="^live$", description="Only the part of a page that changes")]


WriteHeader = Annotated[str, Header(alias="X-Tenancy-Request", description="Any value: a foreign page cannot send it")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewTenant(_Body):
    """A tenant to be provisioned. What each field may be is checked as for a run of the DAG."""

    slug: Slug
    name: Name
    plan: Text
    region: Text
    admin_email: Email
    product: Product = ""
    parameters: ProductParameters = {}
    reason: Annotated[Text, Field(max_length=REASON_LIMIT)] = ""


class Corrections(_Body):
    """What the next attempt asks for otherwise; the rest stays as it was."""

    slug: Slug | None = None
    name: Name | None = None
    plan: Text | None = None
    region: Text | None = None
    admin_email: Email | None = None
    parameters: ProductParameters = {}


class _ConfirmedBody(_Body):
    reason: Reason
    tenant_id: Annotated[
        Text | None, Field(description="The tenant's id. A path that has the id instead of the slug names it, too")
    ] = None
    """A slug is given to another tenant once it is free; with this, the action is refused then."""
    confirm_slug: Text | None = None


class ActionBody(_ConfirmedBody):
    """Why; and where the action destroys, the tenant's id, and its slug once more."""

    seen: Annotated[int | None, Field(ge=0, le=2**62, description="`seq` of the tenant as you saw it")] = None
    """If given, the action is refused when somebody has acted on the tenant since."""


class RecoverBody(_ConfirmedBody):
    """Why; and after the first request, where the recovery began."""

    began_at: Annotated[
        int | None,
        Field(ge=1, le=2**62, description="`began_at` of the first answer. Without it a recovery begins now"),
    ] = None


class InvitationBody(_Body):
    """`renew` makes another invitation in place of a lost one; it needs a reason."""

    renew: bool = False
    reason: Annotated[Text, Field(max_length=REASON_LIMIT)] = ""


class NoteBody(_Body):
    """What somebody notes about a tenant."""

    text: NoteText


class ResetBody(ActionBody):
    """`force` needs the platform engineer's role: it can orphan in-flight activities."""

    force: bool = False


class CorrectedActionBody(ActionBody):
    """A new attempt, perhaps with other parameters."""

    corrections: Corrections = Corrections()


class RecreateBody(CorrectedActionBody):
    """A new tenant in the place of another one, perhaps of another product."""

    product: Annotated[Product, Field(description="Without it the same product")] = ""
