"""The Airflow settings we ship as a file for docker-compose.yaml. Their one source is `tenancy.airflow_settings`."""

from tenancy.airflow_settings import celery_settings, shipped_settings

_HEAD = """\
# The Airflow settings that Tenancy ships; the reason for each is in include/tenancy/airflow_settings.py.
# Written by `make settings`; a test holds it to its source.
"""


def settings() -> dict[str, str]:
    """What every container of Airflow is given."""
    return {**shipped_settings(), **celery_settings()}


def as_env_file() -> str:
    """As an env_file: one NAME=value a line, taken literally."""
    return _HEAD + "".join(f"{name}={value}\n" for name, value in sorted(settings().items()))
