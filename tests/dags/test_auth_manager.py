"""The api-server does not start with an auth manager whose permissions Tenancy does not know."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.layout import PROJECT
from tenancy.airflow_settings import shipped_settings
from tenancy.auth_manager import FAB, SETTING

SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"


def test_what_we_ship_is_the_one_that_is_known():
    assert shipped_settings()[SETTING] == FAB


@pytest.mark.parametrize(("manager", "starts"), [(FAB, True), (SIMPLE, False)])
def test_the_api_server_ends_with_a_sentence_before_it_serves(tmp_path: Path, manager: str, starts: bool):
    """`--help`: it ends by itself where it would start."""
    env = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(PROJECT / "include"), SETTING: manager}
    command = [sys.executable, "-m", "airflow", "api-server", "--help"]
    done = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=120)
    assert (done.returncode == 0) is starts, done.stderr
    assert ("Set AIRFLOW__CORE__AUTH_MANAGER=" in done.stderr) is not starts
