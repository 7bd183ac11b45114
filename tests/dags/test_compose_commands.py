"""What docker-compose.yaml tells Airflow is something Airflow knows."""

import pytest
from airflow.cli import cli_parser
from airflow.configuration import conf

from installation.settings import settings
from tenancy.airflow_settings import celery_settings
from tests.unit.compose_file import AIRFLOWS, environment

_PROVIDERS = ("CELERY",)
"""Their sections are known where the provider is installed; its own command likewise."""
COMMANDS = {name: service["command"][1:] for name, service in AIRFLOWS.items() if service["command"][0] == "airflow"}


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command[0] != "celery"])
def test_every_command_is_one_of_airflows(name: str):
    assert cli_parser.get_parser().parse_args(COMMANDS[name]).subcommand == COMMANDS[name][0]


def _option(variable: str) -> tuple[str, str]:
    _, section, key = variable.removesuffix("_CMD").split("__")
    return section.lower(), key.lower()


def test_every_secret_is_one_that_airflow_reads_by_a_command():
    commands = [name for name in environment("scheduler") if name.endswith("_CMD")]
    secret = {_option(name) for name in commands if name.split("__")[1] not in _PROVIDERS}
    assert len(secret) == 5
    assert secret <= conf.sensitive_config_values


def test_every_setting_is_one_of_airflows():
    named = [name for name in (*settings(), *environment("scheduler")) if name.startswith("AIRFLOW__")]
    ours = [name for name in named if name not in celery_settings()]  # test_airflow_facts.py knows those
    known = [_option(name) for name in ours if name.split("__")[1] not in _PROVIDERS and "CELERY" not in name]
    options = conf.configuration_description
    assert [option for option in known if option[1] not in options[option[0]]["options"]] == []
