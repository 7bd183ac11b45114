"""The tables of container activities in a product's file: what they mean, and what is wrong with them."""

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.layout import PROJECT
from tenancy import bootstrap
from tenancy.activities import registry
from tenancy.activities.activity import Activity
from tenancy.activities.plan import plan_of, plan_problems
from tenancy.adapters.container_tables import read_containers
from tenancy.adapters.product_file import load_containers, load_product
from tenancy.adapters.product_folder import ProductFolder
from tenancy.saga.errors import PlatformError, PlatformFileError, ProductFileError
from tenancy.saga.names import ActivityName
from tenancy.saga.product import ContainerSpec
from tenancy.saga.states import ResourceState
from tenancy.saga.tenant import Resource
from tests.products import SAMPLE

MAILBOX = """
[container_activities.create_mailbox]
image = "registry.example/mailbox@sha256:0f"
label = "Create mailbox"
resource = "mailbox"
requires = ["allocate_storage"]
timeout_minutes = 2.5
connections = ["mail"]

[container_activities.create_mailbox.outputs]
address = "acme@mail.example"
"""
START = 'name = "crm"\nversion = "1"\nactivities = [{}]\n'
PLAN = '"validate_request", "create_mailbox", "deploy_workloads", "wait_for_workloads_ready", "mark_active"'


@pytest.fixture(autouse=True)
def _registry():
    yield
    registry.install_containers(SAMPLE.containers)


def spec(**changes: object) -> ContainerSpec:
    given = {"name": ActivityName("create_mailbox"), "image": "i", "label": "Create mailbox", "resource": "mailbox"}
    return ContainerSpec(**{**given, "product": "crm", **changes})  # type: ignore[arg-type]


def test_a_table_is_an_activity() -> None:
    [found], problems = read_containers(tomllib.loads(MAILBOX), "crm")
    assert problems == []
    assert (found.name, found.timeout_minutes, found.connections) == ("create_mailbox", 2.5, ("mail",))
    assert found.outputs == (("address", "acme@mail.example"),)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("container_activities = 3", "container_activities must have tables"),
        ("[container_activities]\ncreate = 3", "container_activities.create must be a table"),
        ('[container_activities."Create"]', "container_activities.Create: the name must be of a-z"),
        (
            MAILBOX.replace("image =", "imag ="),
            "container_activities.create_mailbox: unknown key imag (there are: image,",
        ),
        (MAILBOX.replace('label = "Create mailbox"', ""), "container_activities.create_mailbox.label is missing"),
        (
            MAILBOX.replace("registry.example", "http://x y"),
            ".image must be an image, such as registry.example/tool:1.2",
        ),
        (MAILBOX.replace("2.5", "0"), ".timeout_minutes must be a number of minutes, at most 1440"),
        (MAILBOX.replace('"acme@mail.example"', "[1]"), ".outputs must be a table of name = example"),
        (MAILBOX.replace("address =", "Address ="), ".outputs: the name 'Address' must be of a-z"),
        (MAILBOX.replace("timeout_minutes = 2.5", 'memory = "1"'), ".memory = 1 is 1 bytes; it must be"),
    ],
)
def test_each_mistake_is_named_with_its_key(text: str, problem: str) -> None:
    _, problems = read_containers(tomllib.loads(text), "crm")
    assert any(problem in each for each in problems), problems


def test_a_product_lists_its_container_activity(tmp_path: Path) -> None:
    product = load_product(_product(tmp_path, '"validate_request", "create_mailbox"', check=False), lambda *_: [])
    assert [activity.label for activity in plan_of(product)] == ["Validate request", "Create mailbox"]


def test_a_plan_needs_what_its_container_activity_requires(tmp_path: Path) -> None:
    with pytest.raises(ProductFileError, match="create_mailbox needs allocate_storage before it"):
        load_product(_product(tmp_path, PLAN), plan_problems)


def test_the_name_and_kind_of_another_activity_are_taken() -> None:
    names = ("validate_request", "wait_for_workloads_ready", "mark_active")
    problems = list(plan_problems(names, [spec(name=ActivityName("deploy_workloads")), spec(resource="namespace")]))
    assert "deploy_workloads: there is another activity of this name" in problems
    assert "create_mailbox: deploy_workloads makes resources of the kind namespace already" in problems


def test_two_products_may_have_the_same_table_and_not_different_ones() -> None:
    registry.install_containers([spec(), spec(product="erp"), spec(product="shop", image="other")])
    assert [each.name for each in registry.installed() if each.name == "create_mailbox"] == ["create_mailbox"]
    assert "shop/product.toml" in registry.why_not_installed("create_mailbox")
    problems = list(plan_problems(("create_mailbox",), [spec(product="shop", image="other")]))
    assert "create_mailbox: there is another activity of this name" in problems


def test_a_broken_file_of_one_product_takes_no_other_products_activities_away(tmp_path: Path) -> None:
    _product(tmp_path, PLAN)
    (tmp_path / "erp").mkdir()
    (tmp_path / "erp" / "product.toml").write_text("[")
    specs, problems = ProductFolder(tmp_path, "crm", plan_problems).containers()
    assert [each.name for each in specs] == ["create_mailbox"]
    assert [problem for problem in problems if "erp" in problem]


def test_its_activities_are_known_although_the_rest_of_the_file_is_wrong(tmp_path: Path) -> None:
    folder = _product(tmp_path, "")
    with pytest.raises(ProductFileError):
        load_product(folder, plan_problems)
    assert [each.name for each in load_containers(folder)] == ["create_mailbox"]


def test_an_activity_whose_file_cannot_be_read_says_why_it_is_missing() -> None:
    from tenancy.activities.packages import ANY_NAME, UnusableActivity

    registry.install_containers([], [UnusableActivity(ANY_NAME, "is not installed, and a product's file is wrong: x")])
    with pytest.raises(PlatformError, match="create_mailbox is not installed, and a product's file is wrong: x"):
        registry.activity_of(ActivityName("create_mailbox"))


def test_the_same_table_is_the_same_activity() -> None:
    registry.install_containers([spec()])
    first: Activity = registry.activity_of(ActivityName("create_mailbox"))
    registry.install_containers([spec()])
    assert registry.activity_of(ActivityName("create_mailbox")) is first


def _product(folder: Path, activities: str, *, check: bool = True) -> Path:
    home = folder / "crm"
    home.mkdir()
    (home / "chart").mkdir()
    (home / "chart" / "Chart.yaml").write_text("version: 1.0.0\n")
    (home / "values.yaml.j2").write_text("")
    files = 'chart = "chart"\nvalues = "values.yaml.j2"\n' if check else ""
    (home / "product.toml").write_text(START.format(activities) + files + MAILBOX)
    return home


def mailbox(activity: str = "create_mailbox", kind: str = "mailbox") -> Resource:
    return Resource(kind, "acme", "proof", ActivityName(activity), ResourceState.PRESENT)


def test_what_an_image_made_is_released_by_its_own_products_image_only() -> None:
    registry.install_containers([spec(product="erp")])
    assert registry.maker_of(mailbox(), "erp").name == "create_mailbox"
    with pytest.raises(PlatformError, match=r"which made the mailbox acme, .* so nothing of it was changed"):
        registry.maker_of(mailbox(), "crm")
    registry.install_containers([spec(product="erp"), spec(product="crm")])
    assert registry.maker_of(mailbox(), "crm").name == "create_mailbox"


def test_an_activity_that_is_gone_is_not_replaced_by_another_one_for_the_same_kind() -> None:
    registry.install_containers([spec(name=ActivityName("make_post"))])
    assert registry.find_maker(mailbox(), "crm") is None


def test_a_built_in_activity_that_was_renamed_still_releases_what_it_made() -> None:
    made = registry.find_maker(mailbox("allocate_database", "database"), "crm")
    assert made is not None
    assert made.name == "allocate_storage"


@pytest.fixture
def limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sandbox's platform with a limit for create_mailbox, and the product that has it."""
    file = tmp_path / "platform.toml"
    file.write_text((PROJECT / "include" / "sandbox" / "platform.toml").read_text() + "create_mailbox = 9\n")
    monkeypatch.setenv(bootstrap.PLATFORM_FILE, str(file))
    monkeypatch.setenv(bootstrap.PRODUCTS, str(tmp_path))
    return _product(tmp_path, PLAN)


def test_a_time_limit_may_be_that_of_a_products_activity(limited: Path) -> None:
    assert bootstrap.platform().give_up["create_mailbox"] == timedelta(minutes=9)


def test_a_broken_product_does_not_make_the_platform_file_wrong(limited: Path) -> None:
    (limited / "product.toml").write_text("[")
    assert bootstrap.platform().give_up["create_mailbox"] == timedelta(minutes=9)


def test_a_limit_for_an_activity_that_nobody_has_is_a_mistake(limited: Path) -> None:
    (limited / "product.toml").unlink()
    with pytest.raises(PlatformFileError, match="has no create_mailbox to limit"):
        bootstrap.platform()
