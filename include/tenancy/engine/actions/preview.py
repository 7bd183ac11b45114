"""Previews of actions: is an action allowed, what is its consequence, and which resources would be released?

`preview` asks `decide` before an operator has filled in a form: buttons and dialogs are drawn from it. `dry_run`
answers one complete request: it performs the action and rolls it back (the dry_run module).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tenancy.engine.actions.consequences import CREATES, describe_consequence
from tenancy.engine.recovery.release_order import release_order
from tenancy.saga import commands as c
from tenancy.saga import retry_loops
from tenancy.saga.confirmation import DESTROYS, RequiredConfirmation, required_confirmation
from tenancy.saga.decide import decide, next_step
from tenancy.saga.errors import Refused
from tenancy.saga.names import RunId
from tenancy.saga.states import Phase, State
from tenancy.saga.tenant import Resource, Saga


@dataclass(frozen=True)
class Preview:
    """`refusal` is the sentence when it is not allowed, `field` the input at fault; `confirm_slug`: the slug must be
    typed."""

    action: str
    allowed: bool
    consequence: str
    refusal: str = ""
    field: str | None = None
    retry_after: int | None = None
    undone: tuple[Resource, ...] = ()
    kept: tuple[Resource, ...] = ()
    confirm_slug: bool = False
    confirm_id: bool = False
    """The tenant's id must be sent along: a slug alone may be another tenant's by now."""
    warnings: tuple[str, ...] = ()


_COMMANDS: Mapping[str, c.Command] = {
    "cancel": c.Cancel(),
    "reset": c.Reset(),
    "decommission": c.Decommission(),
    "escalate": c.Escalate(),
}
_UNDOES = frozenset({"cancel", "decommission"})


def preview(saga: Saga, action: str) -> Preview:
    """What this action would do now, given the right confirmation. KeyError for an unknown action."""
    try:
        _require_allowed(saga, action)
    except Refused as refusal:
        return _refused(_shown(saga, action), refusal)
    return _shown(saga, action)


def dry_run(saga: Saga | None, action: str, perform: Callable[[], object]) -> Preview:
    """The preview of one request. `perform` is the action with a dry-run Tenancy; `saga` is None for a new tenant."""
    shown = _shown(saga, action) if saga else Preview(action, allowed=True, consequence=CREATES)
    try:
        perform()
    except Refused as refusal:
        return _refused(shown, refusal)
    return shown


def _shown(saga: Saga, action: str) -> Preview:
    undoes, needed = action in _UNDOES, _needs(saga, action)
    return Preview(
        action,
        allowed=True,
        consequence=describe_consequence(saga, action),
        undone=release_order(saga.live_resources) if undoes else (),
        kept=() if undoes else saga.live_resources,
        confirm_slug=needed.slug,
        confirm_id=needed.tenant_id,
        warnings=_warnings(saga, action),
    )


_CONFIRMS = frozenset({"confirm_slug", "tenant_id"})


def _refused(shown: Preview, refusal: Refused) -> Preview:
    """Ask for a confirmation only if that would turn the refusal into a success."""
    helps = refusal.field in _CONFIRMS
    return replace(
        shown,
        allowed=False,
        refusal=str(refusal),
        field=refusal.field,
        retry_after=refusal.retry_after,
        confirm_slug=refusal.field == "confirm_slug" or (helps and shown.confirm_slug),
        confirm_id=refusal.field == "tenant_id" or (helps and shown.confirm_id),
    )


def _needs(saga: Saga, action: str) -> RequiredConfirmation:
    if action == "retry":
        return RequiredConfirmation(slug=retry_loops.retry_needs_slug(saga))
    if action == "recreate":
        return RequiredConfirmation(tenant_id=saga.state is not State.DECOMMISSIONED)
    return required_confirmation(saga, _command(saga, action))


def _warnings(saga: Saga, action: str) -> tuple[str, ...]:
    if action == "cancel" and saga.past_no_return:
        return (f"{DESTROYS}.",)
    return retry_loops.retry_warnings(saga) if action == "retry" else ()


def _require_allowed(saga: Saga, action: str) -> None:
    if action == "recreate":
        require_recreatable(saga)
    else:
        decide(saga, _command(saga, action))


def _command(saga: Saga, action: str) -> c.Command:
    if action == "retry":
        last = saga.current_attempt
        return c.StartAttempt(saga.tenant_id, RunId(""), saga.parameters, last.plan, last.schema_version, is_retry=True)
    return _COMMANDS[action]


def require_retriable(saga: Saga) -> None:
    """Raise Refused, with the next step, unless a retry with the same parameters may start now."""
    decide(saga, _command(saga, "retry"))


def require_recreatable(saga: Saga) -> None:
    """Raise Refused unless the tenant has nothing left."""
    gone = saga.state is State.DECOMMISSIONED
    empty = saga.phase in {Phase.FAILED_SETTLED, Phase.FAILED_READY} and saga.has_nothing_left
    if not (gone or empty):
        raise Refused(f"Recreate is refused while the tenant is {saga.phase}. {next_step(saga)}")
