"""No DAG of its own: its import error in Airflow names the products that have no DAG because of mistakes, and all their
mistakes. An import error in tenant_provisioning.py would take the DAGs of the other products off."""

from tenancy.bootstrap import platform, products
from tenancy.orchestration.product_dags import require_no_mistakes

require_no_mistakes(products(), platform())
