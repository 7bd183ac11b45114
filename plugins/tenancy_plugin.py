"""Registers Tenancy with Airflow. Executed in every Airflow process, every task included: it imports nothing heavy."""

from airflow.plugins_manager import AirflowPlugin

from tenancy.orchestration import listener


class TenancyPlugin(AirflowPlugin):
    """The listener that notices runs marked failed by hand."""

    name = "tenancy"
    listeners = [listener]  # noqa: RUF012 - Airflow's own form
