"""The plugin file is executed in every Airflow process, every task included: it registers, and loads nothing heavy."""

import json
import subprocess
import sys

from sandbox.layout import PROJECT

_LOAD = """
import json, sys
import airflow.plugins_manager
import airflow.listeners
before = set(sys.modules)
sys.path.insert(0, "plugins")
import tenancy_plugin
plugin = tenancy_plugin.TenancyPlugin
print(json.dumps({
    "modules": sorted({name.split(".")[0] for name in set(sys.modules) - before}),
    "console": "tenancy.console" in sys.modules,
    "prefixes": [app["url_prefix"] for app in plugin.fastapi_apps],
    "views": {view["url_route"]: [view["destination"], view["href"]] for view in plugin.external_views},
    "listeners": [listener.__name__ for listener in plugin.listeners],
}))
"""


def test_the_plugin_registers_the_console_and_the_listener_without_loading_them():
    done = subprocess.run(
        [sys.executable, "-c", _LOAD],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert (loaded["prefixes"], loaded["listeners"]) == (["/tenancy"], ["tenancy.orchestration.listener"])
    assert loaded["views"] == {
        "tenants": ["nav", "tenancy/"],
        "provisioning-timeline": ["dag_run", "tenancy/runs/{DAG_ID}/{RUN_ID}"],
    }
    assert not loaded["console"]
    assert set(loaded["modules"]) <= {"tenancy", "tenancy_plugin"}


_FIFTY = """
import asyncio, json, sys, time
sys.path.insert(0, "plugins")
import tenancy_plugin

consoles = []

async def console(scope, receive, send):
    pass

def load():
    consoles.append(console)
    time.sleep(0.5)  # as long as it takes, and longer
    return console

async def fifty():
    tenancy_plugin._load = load
    await asyncio.gather(*(tenancy_plugin._console({}, None, None) for _ in range(50)))

asyncio.run(fifty())
print(len(consoles))
"""


def test_fifty_pages_that_ask_at_once_after_a_restart_load_one_console():
    command = [sys.executable, "-c", _FIFTY]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "1"
