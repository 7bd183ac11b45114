"""Programs that tests hand to another Python as text import names that exist: mypy cannot see them."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.layout import PROJECT

_IMPORT = re.compile(
    r"^\s*from ((?:tenancy|tenantctl|sandbox|installation|cluster_emulator|bench|tests)[\w.]*) import ([\w, ]+)|"
    r"(?<=; )from ((?:tenancy|tenantctl|sandbox|installation|cluster_emulator|bench|tests)[\w.]*) import ([\w, ]+)",
    re.MULTILINE,
)


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _imports(path: Path) -> Iterator[tuple[str, str]]:
    for text in _texts(path):
        for found in _IMPORT.finditer(text):
            module, names = (group for group in found.groups() if group)
            yield from ((module, name.split(" as ")[0].strip()) for name in names.split(","))


_FOUND = sorted({each for path in (PROJECT / "tests").rglob("*.py") for each in _imports(path)})


@pytest.mark.parametrize(("module", "name"), _FOUND)
def test_a_name_that_is_imported_by_a_program_in_a_string_exists(module: str, name: str):
    if module.startswith("tests."):  # read, not imported: some of them load Airflow
        source = PROJECT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
        assert re.search(rf"^(?:def |class )?{name}\b", source, re.MULTILINE)
        return
    found = importlib.import_module(module)
    assert hasattr(found, name) or importlib.import_module(f"{module}.{name}")


def test_such_programs_are_found():
    assert ("installation.contents", "ServiceAddresses") in _FOUND
