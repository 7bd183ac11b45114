"""What one command works with: the API, the environment, and whether a program reads the output.

It prints answers, and asks the operator for missing values: a reason, a typed slug, a confirmation. Where nobody can be
asked, a missing value is a UsageError.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tenantctl.drawing import Drawing, Line, lines_of
from tenantctl.environment import Environment
from tenantctl.exit_codes import TenantctlError, UsageError
from tenantctl.paths import tenant_path
from tenantctl.responses import ApiResponse
from tenantctl.tenant import Tenant
from tenantctl.text import escape_controls

if TYPE_CHECKING:
    from tenantctl.client import ApiClient

_LONGEST_REASON: Final = 500


@dataclass(frozen=True)
class Session:
    """With `json`, stdout is for the API's JSON and nothing else."""

    api: "ApiClient"
    environment: Environment
    json: bool = False

    def show_response(self, answer: ApiResponse, draw: Callable[[dict[str, Any]], Drawing]) -> None:
        """Print the answer: as JSON for a program, drawn for a person."""
        if self.json:
            self.write_json(answer.text)
        else:
            self.environment.show(draw(answer.data))

    def write_json(self, text: str) -> None:
        """Print JSON as the API sent it, on one line."""
        self.environment.stdout.write(text.rstrip("\n") + "\n")

    def print_line(self, words: str, style: str = "") -> None:
        """Print a line for a person; on stderr where a program reads stdout."""
        self.environment.show(lines_of(words, style), on_stderr=self.json)

    def warn(self, words: str) -> None:
        """Print a warning on stderr."""
        self.environment.show([Line(words, "yellow")], on_stderr=True)

    def fetch_tenant(self, ref: str) -> ApiResponse:
        """Fetch the tenant."""
        return self.api.get(tenant_path(ref))

    def require_reason(self, given: str | None, verb: str) -> str:
        """The reason for the audit log, from the option or the operator."""
        reason = given.strip() if given else ""
        if not reason and self.environment.prompt:
            reason = self.environment.prompt(f"Reason to {verb} (goes into the audit log): ", False).strip()
        if not reason:
            raise UsageError(
                f'A reason is missing: add --reason "why" (1 to {_LONGEST_REASON} characters, for the audit log).'
            )
        if len(reason) > _LONGEST_REASON:
            raise UsageError(f"The reason has {len(reason)} characters; at most {_LONGEST_REASON} are allowed.")
        return reason

    def require_typed_slug(self, given: str | None, tenant: Tenant, why: str, command: Sequence[str]) -> str:
        """The slug as typed by the operator: in --confirm, or at the prompt. --yes does not replace it.

        `command`: what to run with --confirm where nobody can be asked (`confirmable`).
        """
        slug = tenant.slug
        typed = given or ""
        if not typed and self.environment.prompt:
            self.warn(why)
            typed = self.environment.prompt(f"Type {escape_controls(slug)} to continue: ", False).strip()
        if not typed:
            raise UsageError(f"{why} To confirm: {shlex.join([*command, '--confirm', slug])}")
        if typed != slug:
            raise UsageError(f"{typed} is not {slug}, so nothing was done.")
        return typed

    def require_confirmation(self, question: str, *, yes: bool) -> None:
        """Ask a person before something is released. A script is not asked."""
        if yes or self.environment.prompt is None:
            return
        if self.environment.prompt(f"{escape_controls(question)} [y/N] ", False).strip().lower() not in {"y", "yes"}:
            raise TenantctlError("Nothing was done.")
