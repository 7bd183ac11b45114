"""What a product's values template may use, and the chart's values for one tenant.

The names are documented in docs/extending/products.md; `product check` renders the template with EXAMPLE
(products/example_tenant.py).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from tenancy.activities.allocate_storage import DATABASE, PASSWORD, ROLE, AllocateStorage, storage_name
from tenancy.activities.context import ActivityContext
from tenancy.activities.invitations import digest_of, invitation_of
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import ActivityName
from tenancy.saga.outputs import Outputs
from tenancy.saga.platform import Plan

if TYPE_CHECKING:
    from tenancy.adapters.dsn import Dsn

EXAMPLE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "tenant": {
            "id": "018f0000-0000-7000-8000-00000000acae",
            "slug": "acme",
            "name": 'Acme "Nordic": # 100 %',
            "admin_email": "ada@acme.example",
            "proof": "tenancy:example:018f0000-0000-7000-8000-00000000acae",
        },
        "platform": {"name": "example"},
        "plan": {"name": "starter", "replicas": 2, "cpu": "250m", "memory": "256Mi", "database_connections": 10},
        "region": {"name": "eu-central", "ingress_domain": "eu.tenants.example"},
        "parameters": {},
        "outputs": {"database": {"host": "storage.example", "port": 5432, "name": "acme_1", "user": "acme_1"}},
        "secrets": {
            "database_url": "postgresql://acme_1:a-secret@storage.example:5432/acme_1",
            "database_password": "a-secret",
            "admin_invitation_digest": "0" * 64,
            "parameters": {},
        },
    }
)
"""A tenant of every kind of value: its name has quotes, a colon and a comment sign."""


def variables_of(context: ActivityContext) -> dict[str, Any]:
    """The variables of one tenant's template. `secrets` must go into a Secret of the chart and nowhere else."""
    return _variables(context, database_of_workloads(context))


def _variables(context: ActivityContext, database: "Dsn | None") -> dict[str, Any]:
    asked, region = context.saga.parameters, context.region
    return {
        "tenant": {
            "id": str(context.tenant_id),
            "slug": asked.slug,
            "name": asked.name,
            "admin_email": asked.admin_email,
            "proof": context.proof,
        },
        "platform": {"name": context.platform.name},
        "plan": _plan(context.plan),
        "region": {"name": region.name, "ingress_domain": region.ingress_domain},
        "parameters": {each.key: asked.values.get(each.key, each.default) for each in context.product.parameters},
        "outputs": {**context.outputs, **({"database": _database_outputs(database)} if database else {})},
        "secrets": _secrets(context, database),
    }


def expected_variables_of(context: ActivityContext, outputs: Mapping[ActivityName, Outputs]) -> dict[str, Any]:
    """The variables before anything is made: example outputs of the activities, and the example's database. A database
    of an earlier attempt is not asked for: its server may be gone."""
    variables = _variables(context, None)
    if AllocateStorage.name not in context.product.activities:
        return {**variables, "outputs": {**outputs}}
    return {
        **variables,
        "outputs": {**outputs, **EXAMPLE["outputs"]},
        "secrets": {**EXAMPLE["secrets"], **variables["secrets"]},
    }


def secret_texts(variables: Mapping[str, Any]) -> list[str]:
    """Every secret among a template's variables, to be hidden in what Helm prints."""
    secrets = variables["secrets"]
    texts = [*(each for each in secrets.values() if isinstance(each, str)), *secrets["parameters"].values()]
    return [text for text in texts if text]


def database_of_workloads(context: ActivityContext) -> "Dsn | None":
    """The tenant's database, as its pods enter it; None when its plan has none."""
    recorded = context.recorded(DATABASE)
    if recorded is None:
        return None
    role, database = context.name_of(ROLE, storage_name(context)), context.name_of(DATABASE, storage_name(context))
    server = context.storage_of(recorded).dsn
    return server.for_tenant(database, user=role, password=context.secret(PASSWORD))


def _plan(plan: Plan) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in EXAMPLE["plan"]}


def _secrets(context: ActivityContext, database: "Dsn | None") -> dict[str, Any]:
    secrets = {
        "admin_invitation_digest": digest_of(invitation_of(context)),
        "parameters": context.parameter_secrets(),
    }
    if database is None:
        return secrets
    return {**secrets, "database_url": database.url, "database_password": context.secret(PASSWORD)}


def _database_outputs(database: "Dsn") -> dict[str, Any]:
    return {"host": database.host, "port": _port(database), "name": database.dbname, "user": database.user}


def _port(database: "Dsn") -> int:
    """The only port besides DNS that pods need to reach."""
    if len(database.ports) > 1:
        raise PlatformError(
            f"Tenants reach {database.label} by several ports ({', '.join(map(str, sorted(database.ports)))}), and the "
            "product's values name one. Have all hosts listen on one port, or state `tenant_host` and `tenant_port` in "
            "the extra of the storage connection.",
            cause=Cause.STORAGE_CONNECTION,
        )
    return next(iter(database.ports))
