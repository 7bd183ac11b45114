"""What people tried, in the API and on the tenant's page: the same lines, from a real ledger."""

from html import unescape
from typing import Any

import pytest

from tenancy.console.api.app import create_api
from tenancy.console.callers import Caller
from tenancy.engine.actions import actions
from tenancy.ledger.envelope import Stamp
from tenancy.saga import commands as c
from tenancy.saga.errors import Refused
from tests.asgi_requests import ask
from tests.integration.console_client import VIEWER, Console
from tests.integration.lifecycles import WHOLE_LIFE
from tests.unit.sagas import STORAGE, VALIDATE, begin, done, start


def past_actions(console: Console, ref: object) -> list[dict[str, Any]]:
    """The API's answer to a viewer."""

    async def authenticate(_request: Any) -> Caller:
        return VIEWER

    api = create_api(console.app.state.services, authenticate)
    answer = ask(api, "GET", f"/tenants/{ref}/action-history")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["actions"])


def shown(console: Console, ref: object) -> list[str]:
    """The lines on the tenant's page."""
    text = console.get(f"/tenants/{ref}").text
    section = text.partition('id="past-actions"')[2].partition("</section>")[0]
    return [unescape(line.partition("</li>")[0]) for line in section.split("<li>")[1:]]


def test_the_api_has_each_action_with_its_result(console: Console):
    tenant_id = console.tenant(*WHOLE_LIFE)
    found = past_actions(console, tenant_id)
    assert [(each["action"], each["attempt"], each["result"].split(" at ")[0]) for each in found] == [
        ("cancel", 1, "Failed settled"),
        ("reset", 1, "Failed ready"),
        ("retry", 2, "failed"),
        ("reset", 2, "Failed ready"),
        ("retry", 3, f"Active after {found[4]['result'].split(' after ')[1]}"),
        ("decommission", 3, "Decommissioned"),
    ]
    assert {each["actor"] for each in found} == {"ada"}
    assert all(each["ended_at"] and each["summary"].endswith(each["result"]) for each in found)


def test_a_tenant_that_nobody_touched_has_none(console: Console):
    console.tenant(start(), begin(VALIDATE))
    assert (past_actions(console, "acme"), shown(console, "acme")) == ([], [])


def test_the_page_shows_the_same_lines_newest_first(console: Console):
    tenant_id = console.tenant(*WHOLE_LIFE)
    assert shown(console, tenant_id) == [each["summary"] for each in reversed(past_actions(console, tenant_id))]


def test_a_refused_action_is_there_with_its_sentence(console: Console):
    tenant_id = console.tenant(start(), *done(VALIDATE), begin(STORAGE))
    with pytest.raises(Refused):
        actions.reset(console.tenancy, tenant_id, by=Stamp("bob", reason="a test"))
    (refused,) = past_actions(console, "acme")
    assert (refused["action"], refused["actor"], refused["refused"]) == ("reset", "bob", True)
    assert refused["result"].startswith("refused: Reset is refused while the tenant is Provisioning.")


def test_the_page_shows_the_newest_and_counts_the_others(console: Console):
    console.tenant(start(), *[c.Cancel()] * 23)
    lines = shown(console, "acme")
    assert (len(lines), lines[-1]) == (21, "and 3 older: see the audit log")
