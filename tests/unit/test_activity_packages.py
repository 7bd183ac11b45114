"""Activities of installed packages: which classes are taken, and what is said of those that are not."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenancy.activities import registry
from tenancy.activities.activity import Activity
from tenancy.activities.packages import GROUP, UnusableActivity, find_entry_points, load_activities
from tenancy.activities.plan import plan_problems
from tenancy.activities.registry import BUILT_IN
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import ActivityName
from tenancy.saga.states import ResourceState
from tenancy.saga.tenant import Resource

MODULE = """
from tenancy.activities.activity import Activity
from tenancy.saga.advice import Remedy
from tenancy.saga.states import ActivityKind

class MakeMailbox(Activity):
    name = "make_mailbox"
    label = "Make mailbox"
    short_label = "make mailbox"
    kind = ActivityKind.COMPENSATABLE
    stuck_remedy = Remedy("Cancel, reset and retry.", "cancel")
    resources = ("mailbox",)
    system = "mail"

class Twin(MakeMailbox):
    name = "twin"

class Storage(MakeMailbox):
    name = "storage"
    resources = ("database",)

class Nowhere(MakeMailbox):
    name = "nowhere"
    resources = ("attic",)
    system = ""

class Database(MakeMailbox):
    name = "database"
    resources = ("attic",)

class Nameless(Activity):
    pass

def function():
    pass
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages: one has a module, and entry points when `install` writes them."""
    (tmp_path / "mail_activities.py").write_text(MODULE)
    (tmp_path / "broken_activities.py").write_text("raise RuntimeError('no library here')")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("mail_activities", "broken_activities"):
        sys.modules.pop(name, None)


def install(site: Path, **entry_points: str) -> None:
    """As `pip install` leaves a package that declares these entry points."""
    info = site / "mail_activities-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mail-activities\nVersion: 1.2\n")
    lines = [f"{name} = {value}" for name, value in entry_points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]))


def load(site: Path, **entry_points: str) -> list[Activity | UnusableActivity]:
    install(site, **entry_points)
    return load_activities(find_entry_points(), BUILT_IN)


def test_a_class_of_an_installed_package_is_an_activity(site: Path):
    (activity,) = load(site, make_mailbox="mail_activities:MakeMailbox")
    assert isinstance(activity, Activity)
    assert (activity.name, activity.resources) == ("make_mailbox", ("mailbox",))


@pytest.mark.parametrize(
    ("name", "reference", "problem"),
    [
        ("make_mailbox", "mail_activities:Missing", "AttributeError"),
        ("make_mailbox", "no_such_module:MakeMailbox", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("make_mailbox", "broken_activities:MakeMailbox", "RuntimeError: no library here"),
        ("make_mailbox", "mail_activities:function", "it must be a class derived from"),
        ("make_mailbox", "mail_activities:Nameless", "the class lacks name, label, short_label, kind, stuck_remedy"),
        ("other_name", "mail_activities:MakeMailbox", "is called other_name, and the class make_mailbox"),
        ("database", "mail_activities:Database", "not be database"),
        ("storage", "mail_activities:Storage", "allocate_storage makes resources of the kind database already"),
        ("nowhere", "mail_activities:Nowhere", "makes resources and lacks system"),
    ],
)
def test_one_that_cannot_be_used_is_named_with_its_package_and_the_reason(
    site: Path, name: str, reference: str, problem: str
):
    (unusable,) = load(site, **{name: reference})
    assert isinstance(unusable, UnusableActivity)
    assert unusable.name == name
    assert unusable.problem.startswith(f"cannot be used (mail-activities 1.2, {reference}): ")
    assert problem in unusable.problem


def test_one_that_cannot_be_used_takes_no_other_down(site: Path):
    first, second = load(site, broken="broken_activities:X", make_mailbox="mail_activities:MakeMailbox")
    assert (first.name, second.name) == ("broken", "make_mailbox")
    assert isinstance(second, Activity)


def test_the_second_of_two_that_make_the_same_kind_is_refused(site: Path):
    first, second = load(site, make_mailbox="mail_activities:MakeMailbox", twin="mail_activities:Twin")
    assert isinstance(first, Activity)
    assert isinstance(second, UnusableActivity)
    assert "make_mailbox makes resources of the kind mailbox already" in second.problem


@pytest.fixture
def fresh_registry() -> Iterator[None]:
    registry._of_packages.cache_clear()
    yield
    registry._of_packages.cache_clear()


@pytest.mark.usefixtures("fresh_registry")
def test_an_installed_package_is_found_by_products_and_by_unwinding(site: Path):
    install(site, make_mailbox="mail_activities:MakeMailbox")
    names = [activity.name for activity in BUILT_IN]
    assert list(plan_problems([*names[:2], "make_mailbox", *names[2:]])) == []
    assert registry.installed()[: len(BUILT_IN)] == BUILT_IN
    assert registry.maker_of_kind("mailbox").name == "make_mailbox"


@pytest.mark.usefixtures("fresh_registry")
def test_a_broken_package_is_named_to_who_needs_its_activity(site: Path):
    install(site, make_mailbox="broken_activities:MakeMailbox")
    problem = next(iter(plan_problems(["validate_request", "make_mailbox", "wait_for_workloads_ready", "mark_active"])))
    assert "make_mailbox cannot be used (mail-activities 1.2" in problem
    assert "RuntimeError: no library here" in problem
    made = Resource("mailbox", "acme", "proof", ActivityName("make_mailbox"), ResourceState.PRESENT)
    with pytest.raises(PlatformError, match=r"which made the mailbox acme, cannot be used .*no library here"):
        registry.maker_of(made, "crm")
    with pytest.raises(PlatformError, match="The activity make_mailbox cannot be used"):
        registry.activity_of(ActivityName("make_mailbox"))
