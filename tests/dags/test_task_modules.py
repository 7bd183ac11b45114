"""Task processes inherit our modules: what tasks import inside functions is loaded before they are forked."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

NOT_IN_TASKS = {
    "tenancy.adapters.cluster_watch",  # the triggerer's
    "tenancy.adapters.helm_child",  # a process of its own: Helm does not survive a fork
    "tenancy.adapters.sqlalchemy_url",  # the api-server's: tasks do not know Airflow's database
    "tenancy.orchestration.change_notifier",  # the triggerer's
    "tenancy.probes",  # the api-server's: health checks
}
_LOADED = (
    "import json, sys, tenancy.task_modules; print(json.dumps([m for m in sys.modules if m.startswith('tenancy')]))"
)

_FORKED = """
import os, sys
sys.argv = ["airflow", "scheduler"]
import airflow.settings, airflow_local_settings
if os.fork() == 0:
    print("tenancy.engine.provisioning.runner" in sys.modules, flush=True)
    os._exit(0)
os.wait()
"""


def test_what_tasks_import_inside_functions_is_loaded_before_they_are_forked():
    loaded = _loaded_modules()
    late = {name for module in loaded for name in _late_imports(module)}
    assert late - loaded == NOT_IN_TASKS & late
    assert "tenancy.engine.provisioning.runner" in late, "imports inside functions are found"


def test_neither_helm_nor_the_console_is_loaded_with_them():
    assert not {name for name in _loaded_modules() if "console" in name or name.endswith("helm_child")}


def test_a_process_that_the_scheduler_forks_has_our_modules_already():
    shown = subprocess.run([sys.executable, "-c", _FORKED], check=True, capture_output=True, text=True).stdout
    assert shown.splitlines()[-1] == "True"


@cache
def _loaded_modules() -> set[str]:
    shown = subprocess.run([sys.executable, "-c", _LOADED], check=True, capture_output=True, text=True).stdout
    return set(json.loads(shown.splitlines()[-1]))


def _late_imports(module: str) -> Iterator[str]:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    for function in ast.walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (name for node in ast.walk(function) for name in _modules_of(node))


def _modules_of(node: ast.AST) -> Iterator[str]:
    """The modules of ours that an import names: `from tenancy import bootstrap` names a module, too."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tenancy":
        assert node.module is not None
        members = [f"{node.module}.{alias.name}" for alias in node.names]
        modules = [member for member in members if _is_module(member)]
        yield from modules or [node.module]


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False
