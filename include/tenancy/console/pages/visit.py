"""What every page that acts has: the request, the platform's parts, and who asks."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from tenancy.console.api.access import CallerOf, PartsOf
from tenancy.console.api.asked import Asked
from tenancy.console.pages import forms


@dataclass(frozen=True)
class Visit:
    """One request of somebody whom the gate knows."""

    request: Request
    parts: PartsOf
    caller: CallerOf

    def asked(self, sent: forms.Sent) -> Asked:
        """The same as the API's own routes have it; a form's key makes sending it twice one action."""
        return Asked(self.request, self.parts, self.caller, "1", dry_run=False, key=sent.get("key") or None)


async def _sent(request: Request) -> forms.Sent:
    return forms.sent_in(await request.body())


VisitOf = Annotated[Visit, Depends()]
SentIn = Annotated[forms.Sent, Depends(_sent)]
