"""As many empty tasks in a row as the saga has activities: what Airflow alone costs. Only the bench runs it."""

from airflow.sdk import DAG, chain
from airflow.sdk.bases.operator import BaseOperator

from tenancy.activities.plan import plan_of
from tenancy.bootstrap import products


class NothingOperator(BaseOperator):
    """A task with a process of its own that does nothing (EmptyOperator never gets one)."""

    def execute(self, context: object) -> None:
        """Nothing."""


with DAG(dag_id="empty_tasks", schedule=None, catchup=False, tags=["bench"]):
    chain(
        *(
            NothingOperator(task_id=f"nothing_{number}")
            for number in range(1, len(plan_of(products().named(products().default_name))) + 1)
        )
    )
