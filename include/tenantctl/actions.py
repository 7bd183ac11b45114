"""One action on one tenant: preview it, perform it, report its result.

The API decides what is allowed and gives the reason. This module asks the operator for missing values.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, Final

from tenantctl.exit_codes import ExitCode, Refused, TenantctlError, UsageError
from tenantctl.paths import tenant_path
from tenantctl.responses import ApiResponse
from tenantctl.session import Session
from tenantctl.tenant import Tenant
from tenantctl.unwinding import wait_for_unwinding

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class TenantAction:
    """An action that an operator requests. `body` has the request's fields besides the reason."""

    session: Session
    ref: str
    action: str
    reason: str | None
    yes: bool
    body: dict[str, Any] = field(default_factory=dict)
    by_id: bool = False
    """The action may destroy data: name the tenant by its id, because another tenant may get the slug."""

    def preview(self) -> ExitCode:
        """Show what the action would do. REFUSED when it would not be allowed."""
        body = {**self.body, **self._identity, "reason": self.reason or "dry run"}
        answer = self._post(body, dry_run=True)
        if answer.data.get("field") == "confirm_slug" and not self.body.get("confirm_slug"):
            # Without a dry run the operator is asked for it.
            answer = self._post({**body, "confirm_slug": self.tenant.slug}, dry_run=True)
        return report_preview(self.session, answer)

    def perform(self, question: Callable[[Tenant], str] | None = None) -> ApiResponse:
        """Do it. Asks for a missing reason, and asks the `question` unless --yes was given."""
        reason = self.session.require_reason(self.reason, f"{self.action} {self.ref}")
        body = {**self.body, **self._identity, "reason": reason}
        if question and not self.yes and self.session.environment.prompt:
            self.session.require_confirmation(question(self.tenant), yes=self.yes)
        try:
            return self._post(body)
        except (UsageError, Refused) as error:
            if error.field != "confirm_slug" or self.body.get("confirm_slug"):
                raise
            command = confirmable(self.action, self.tenant, reason, self.body)
            typed = self.session.require_typed_slug(None, self.tenant, error.sentence, command)
            return self._post({**body, "confirm_slug": typed})

    @property
    def _identity(self) -> dict[str, str]:
        if not self.by_id:
            return {}
        return {"tenant_id": self.ref.lower() if _ID.fullmatch(self.ref) else self.tenant.id}

    @cached_property
    def tenant(self) -> Tenant:
        """The tenant that the operator is asked about. The action then names its id."""
        return Tenant.of(self.session.fetch_tenant(self.ref).data)

    def _post(self, body: dict[str, Any], *, dry_run: bool = False) -> ApiResponse:
        try:
            return self.session.api.post(tenant_path(self.ref, self.action), body, dry_run=dry_run)
        except Refused as refusal:
            raise self._with_next_action(refusal) from refusal

    def _with_next_action(self, refusal: Refused) -> Refused:
        """The refusal with the next step, unless its sentence names that already."""
        try:
            way_on = Tenant.of(self.session.fetch_tenant(self.ref).data).next_action
        except TenantctlError:  # the operator needs the refusal, not this error
            return refusal
        if way_on in refusal.sentence or refusal.field == "confirm_slug":
            return refusal
        sentence = f"{refusal.sentence} Next: {way_on}"
        return Refused(sentence, retry_after=refusal.retry_after, field=refusal.field, body=refusal.body)


def describe_tenant(tenant: Tenant) -> str:
    """The tenant's slug, id and phase, for a question."""
    return f"{tenant.slug} ({tenant.id}, {tenant.phase})"


def confirmable(action: str, tenant: Tenant, reason: str, body: Mapping[str, Any] | None = None) -> list[str]:
    """The command for this action to which --confirm can be added: it names the tenant by its id, and has a reason."""
    corrections = dict((body or {}).get("corrections") or {})
    settings = [f"{name}={value}" for name, value in corrections.pop("parameters", {}).items()]
    options = [*((f"--{name.replace('_', '-')}", str(value)) for name, value in corrections.items())]
    options += [("--set", each) for each in settings]
    return ["tenantctl", action, tenant.id, "--reason", reason, *chain.from_iterable(options)]


def require_id(ref: str, tenant: Tenant, confirm: str | None) -> None:
    """With --confirm nobody was shown which tenant it is, so the operator must have named it by its id."""
    if confirm and ref.lower() != tenant.id:
        raise UsageError(
            f"{ref} is a slug, which may be another tenant's by now. Name the tenant by its id where you use --confirm "
            f"({tenant.slug} is {tenant.id}), or leave --confirm out and type the slug."
        )


def finish_unwinding(session: Session, ref: str, answer: ApiResponse, *, wait: bool, timeout: float) -> ExitCode:
    """Report an action that releases resources, and with `wait` wait until they are released."""
    if not wait:
        return report_done(session, answer, f"Follow it: tenantctl watch {ref}")
    report_result(session, answer)
    return wait_for_unwinding(session, str((answer.data.get("tenant") or {}).get("id") or ref), timeout)


def report_done(session: Session, answer: ApiResponse, hint: str = "") -> ExitCode:
    """Print the result of an action, and the next step."""
    if session.json:
        session.write_json(answer.text)
        return ExitCode.DONE
    report_result(session, answer)
    next_action = Tenant.of(answer.data.get("tenant") or {}).next_action
    if hint or next_action:
        session.print_line(hint or f"Next: {next_action}", "dim")
    return ExitCode.DONE


def report_result(session: Session, answer: ApiResponse) -> None:
    """Print the result's sentence and warnings."""
    session.print_line(str(answer.data.get("said") or "Done."))
    for warning in answer.data.get("warnings") or ():
        session.warn(f"! {warning}")


def report_preview(session: Session, answer: ApiResponse) -> ExitCode:
    """Show a dry run."""
    from tenantctl import details

    session.show_response(answer, details.draw_preview)
    return ExitCode.REFUSED if answer.data.get("allowed") is False else ExitCode.DONE
