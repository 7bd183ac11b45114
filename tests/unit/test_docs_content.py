"""The documentation knows the product: every activity in the runbook, and only commands and paths that exist."""

import re
from pathlib import Path

import pytest

from tenancy.saga.states import Phase
from tests.products import PLAN
from tests.unit.test_advice import RUNBOOK as STUCK_ROWS

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
RUNBOOK = (DOCS / "operating" / "runbook.md").read_text(encoding="utf-8")
TENANTCTL = (DOCS / "reference" / "tenantctl.md").read_text(encoding="utf-8")
API = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
PAGES = [PROJECT / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("label", [activity.label for activity in PLAN if activity.name in STUCK_ROWS])
def test_the_runbook_has_a_row_for_each_activity(label: str):
    assert f"| **{label}** |" in RUNBOOK


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.startswith("Failed")])
def test_the_runbook_says_what_is_next_for_a_failed_tenant(phase: Phase):
    substate = phase.removeprefix("Failed").strip()
    assert f"| *{substate}* |" in RUNBOOK


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_a_page_names_only_commands_of_tenantctl_that_exist(page: Path):
    commands = set(re.findall(r"^\| `([a-z]+)` \|", TENANTCTL, re.MULTILINE))  # a test compares these with the code
    named = set(re.findall(r"(?:`|bin/|^)tenantctl ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= commands


def test_the_runbook_names_only_paths_that_the_api_reference_has():
    paths = {path.replace("acme", "{ref}") for _, path in re.findall(r"`(GET|POST) (/[a-z/]+)", RUNBOOK)}
    known = re.findall(r"^(?:GET|write) (/[a-z/{}]+)", API, re.MULTILINE)
    assert paths <= {path.replace("acme", "{ref}") for path in known}


_ADRS = sorted((DOCS / "adr").glob("[0-9]*.md"))


@pytest.mark.parametrize("page", _ADRS, ids=lambda page: page.stem)
def test_each_decision_has_status_date_and_reasons_and_is_listed(page: Path):
    text = page.read_text(encoding="utf-8")
    assert re.match(rf"# {int(page.name[:4])}\. ", text)
    assert re.search(r"^- Status: (Accepted|Superseded by \[ADR \d+\])", text, re.MULTILINE)
    assert re.search(r"^- Date: \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert f"({page.name})" in (DOCS / "adr" / "README.md").read_text(encoding="utf-8")


def test_the_architecture_stays_short():
    assert len((DOCS / "architecture.md").read_text(encoding="utf-8").splitlines()) <= 250
