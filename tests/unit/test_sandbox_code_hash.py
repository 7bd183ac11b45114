"""The sandbox restarts Airflow's processes when the product's code has changed: they keep what they loaded."""

from pathlib import Path

import pytest

from sandbox.airflow_env import fingerprint, hash_code
from sandbox.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "home", tmp_path / "project")
    for folder in (layout.include / "tenancy" / "saga", layout.plugins):
        folder.mkdir(parents=True)
        (folder / "module.py").write_text("VALUE = 1\n")
    return layout


@pytest.mark.parametrize("changed", ["include/tenancy/saga/module.py", "plugins/module.py", "include/tenancy/new.py"])
def test_a_changed_or_new_module_of_the_product_asks_for_a_restart(layout: Layout, changed: str):
    before = hash_code(layout)
    (layout.include.parent / changed).write_text("VALUE = 2\n")
    assert hash_code(layout) != before


def test_unchanged_code_asks_for_none(layout: Layout):
    before = hash_code(layout)
    (layout.include / "tenancy" / "notes.txt").write_text("no module")
    assert hash_code(layout) == before


def test_the_fingerprint_of_a_process_has_settings_command_and_code():
    prints = {fingerprint({"A": "1"}, ["airflow"], "x"), fingerprint({"A": "2"}, ["airflow"], "x")}
    prints |= {fingerprint({"A": "1"}, ["airflow", "dags"], "x"), fingerprint({"A": "1"}, ["airflow"], "y")}
    assert len(prints) == 4
