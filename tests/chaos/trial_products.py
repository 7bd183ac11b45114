"""The products whose tenants are attacked: their activities, and what each of them makes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

PIVOT: Final = "wait_for_workloads_ready"
_DEPLOYED: Final = ("namespace", "release")


@dataclass(frozen=True)
class TrialProduct:
    """`resources`: activity -> the kinds of resource that it makes, in order."""

    name: str
    activities: tuple[str, ...]
    resources: Mapping[str, tuple[str, ...]]

    @property
    def objects(self) -> tuple[str, ...]:
        """The kinds of which an Active tenant has one each. A schema is inside its database; a DNS record has its proof
        beside it."""
        made = [kind for kinds in self.resources.values() for kind in kinds if kind != "schema"]
        return (*made, *(["dns_proof"] if "dns_record" in made else []))

    def next(self, activity: str) -> str:
        """The activity after this one."""
        return self.activities[self.activities.index(activity) + 1]

    @property
    def dag(self) -> str:
        """The path of its DAG in Airflow's REST API."""
        return f"/api/v2/dags/tenant_provisioning{'' if self is SAMPLE else f'__{self.name}'}"


SAMPLE: Final = TrialProduct(
    "sample",
    (
        "validate_request",
        "allocate_storage",
        "allocate_workflow_handle",
        "apply_tenant_schema",
        "deploy_workloads",
        PIVOT,
        "mark_active",
    ),
    MappingProxyType(
        {
            "allocate_storage": ("role", "database"),
            "allocate_workflow_handle": ("connection",),
            "apply_tenant_schema": ("schema",),
            "deploy_workloads": _DEPLOYED,
        }
    ),
)
FORUM: Final = TrialProduct(
    "forum",
    ("validate_request", "allocate_storage", "deploy_workloads", "apply_tenant_schema", PIVOT, "mark_active"),
    MappingProxyType(
        {
            "allocate_storage": ("role", "database"),
            "deploy_workloads": _DEPLOYED,
            "apply_tenant_schema": ("schema",),
        }
    ),
)
EDGE: Final = TrialProduct(
    "edge",
    ("validate_request", "create_s3_bucket", "create_dns_record", "deploy_workloads", PIVOT, "mark_active"),
    MappingProxyType(
        {"create_s3_bucket": ("s3_bucket",), "create_dns_record": ("dns_record",), "deploy_workloads": _DEPLOYED}
    ),
)
PRODUCTS: Final = MappingProxyType({product.name: product for product in (SAMPLE, FORUM, EDGE)})
