"""The example of docs/extending/adding-an-activity.md follows renames; tests/documentation runs it as a whole."""

from sandbox.layout import PROJECT
from tenancy.activities.activity import Activity
from tests.documentation.test_adding_an_activity import PAGE, python_block


def test_the_example_uses_names_that_exist():
    module: dict[str, type[Activity]] = {"__name__": "create_bucket"}  # type: ignore[dict-item]
    exec(compile(python_block((PROJECT / PAGE).read_text()), str(PAGE), "exec"), module)
    known = {name for each in Activity.__mro__ for name in [*vars(each), *vars(each).get("__annotations__", {})]}
    used = {name for name in vars(module["CreateBucket"]) if not name.startswith("_")}
    assert used <= known
