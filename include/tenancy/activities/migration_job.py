"""Runs migrations that are an image, as a Job in the tenant's namespace. Called by apply_tenant_schema.py."""

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

from tenancy.activities.context import ActivityContext
from tenancy.activities.job_ends import patience_for, require_success
from tenancy.activities.tenant_release import NAMESPACE
from tenancy.activities.workload_values import database_of_workloads
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError
from tenancy.saga.product import MigrationJob
from tenancy.saga.tenant import Resource

if TYPE_CHECKING:
    from tenancy.adapters.dsn import Dsn
    from tenancy.adapters.job_documents import JobSpec


def run_migration_job(context: ActivityContext, job: MigrationJob) -> None:
    """Run the image to its end. The Job of a process that died is awaited. Errors name product, image and namespace."""
    namespace, database = _live(context), database_of_workloads(context)
    assert database is not None  # the activity requires allocate_storage
    spec, jobs = _job(context, job, namespace, database), context.cluster_of(namespace).jobs
    patience = patience_for(job.timeout_minutes, context.timeout_seconds)
    try:
        end = jobs.run(spec, fence=context.fence, patience=patience)
        require_success(end, job.timeout_minutes, Cause.SCHEMA_MIGRATION)
    except (TransientError, PermanentError, PlatformError) as error:
        place = f"{context.product.name}/product.toml, migrations: the Job of the image {job.image} in the namespace"
        error.args = (f"{place} {namespace.name}: {str(error).rstrip('.')}.",)
        raise


def _live(context: ActivityContext) -> Resource:
    found = context.recorded(NAMESPACE)
    if found is None or not found.live:
        raise PlatformError(
            "The migrations are a Job in the tenant's namespace, and this attempt has no namespace yet: list "
            "deploy_workloads before apply_tenant_schema, then cancel and retry the tenant.",
            cause=Cause.PLATFORM_FILE,
        )
    return found


def _job(context: ActivityContext, job: MigrationJob, namespace: Resource, database: "Dsn") -> "JobSpec":
    from tenancy.adapters.job_documents import JobSpec
    from tenancy.adapters.namespaces import PLATFORM_LABEL, TENANT_LABEL
    from tenancy.adapters.storage import TENANT_SCHEMA

    labels = {PLATFORM_LABEL: context.platform.name, TENANT_LABEL: str(context.tenant_id)}
    return JobSpec(
        name=f"migrate-{hashlib.sha256(job.version.encode()).hexdigest()[:12]}",
        namespace=namespace.name,
        image=job.image,
        proof=context.proof,
        seconds=max(1, round(job.timeout_minutes * 60)),
        command=job.command,
        environment={"TENANCY_SCHEMA": TENANT_SCHEMA, "PGOPTIONS": f"-c search_path={TENANT_SCHEMA}"},
        secret_environment=_database_variables(database),
        hidden=(database.password, quote(database.password, safe="")),
        labels={**labels, "app.kubernetes.io/managed-by": "tenancy"},
        cpu=context.plan.cpu,
        memory=context.plan.memory,
    )


def _database_variables(database: "Dsn") -> dict[str, str]:
    """The names that libpq and most tools know."""
    return {
        "DATABASE_URL": database.url,
        "PGHOST": database.host,
        "PGPORT": str(database.port),
        "PGDATABASE": database.dbname,
        "PGUSER": database.user,
        "PGPASSWORD": database.password,
    }
