"""Whether a tenant keeps the promise, checked by psql, REST and Kubernetes' own client, without code of the project.

Each function returns one sentence per violation; none means that everything is right.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

import httpx
from kubernetes.client import ApiClient, CoreV1Api
from kubernetes.config import new_client_from_config

from tests.chaos.addresses import AttackAddresses, in_database, rows
from tests.chaos.trial_products import FORUM, PIVOT, PRODUCTS, SAMPLE, TrialProduct

TABLES = {
    SAMPLE.name: ["accounts", "alembic_version", "audit", "sessions", "settings", "users"],
    FORUM.name: ["forum_migration", "post", "tenancy_migration", "topic"],
}
"""Product -> the tables of its tenants. The third product has no database."""
NOTHING_LEFT = {("Failed", "settled"), ("Failed", "ready"), ("Decommissioned", None)}


def check_tenant(addresses: AttackAddresses, slug: str) -> list[str]:
    """One tenant at rest: Active and complete, or with nothing left."""
    row = tenant(addresses, slug)
    if row is None:  # its request never got through, or was never carried out
        return [
            f"{slug} is unknown to the ledger, and {violation}" for violation in check_nothing_left(addresses, slug)
        ]
    phase = (row["state"], row["substate"])
    if phase == ("Active", None):
        violations = check_active(addresses, slug, addresses.domains[row["region"]], PRODUCTS[row["product"]])
    elif phase in NOTHING_LEFT:
        violations = check_nothing_left(addresses, slug)
    else:
        violations = ["it is in between"]
    state = " ".join(filter(None, phase))
    return [f"{slug} is {state}, and {violation}" for violation in violations]


def tenant(addresses: AttackAddresses, slug: str) -> dict[str, Any] | None:
    """Its row in the ledger."""
    found = rows(addresses.ledger, "select * from ledger.tenant where slug = %s order by created_at desc limit 1", slug)
    return found[0] if found else None


def check_nothing_left(addresses: AttackAddresses, slug: str) -> list[str]:
    """No database, role, connection, namespace or release."""
    return [f"its {kind} is left: {names}" for kind, names in existing_objects(addresses, slug).items() if names]


def check_active(addresses: AttackAddresses, slug: str, domain: str, product: TrialProduct = SAMPLE) -> list[str]:
    """Exactly one of each object, complete, and an answer at its address.

    The sandbox's application reads the sample's database, so only the sample's tenants answer.
    """
    found = existing_objects(addresses, slug)
    violations = [
        f"it has {len(names)} {kind}s: {names}"
        for kind, names in found.items()
        if len(names) != (kind in product.objects)
    ]
    if not violations:
        violations += _in_cluster(addresses, found["namespace"][0])
        if product.name in TABLES:
            violations += _in_database(addresses, found["database"][0], product)
        if product is SAMPLE:
            violations += _has_one_admin(addresses, found["database"][0]) + _at_its_address(addresses, slug, domain)
    return violations


def existing_objects(addresses: AttackAddresses, slug: str) -> dict[str, list[str]]:
    """The names of its objects outside the ledger, by kind."""
    like = slug.replace("-", r"\_") + r"\_%"
    with new_client_from_config(addresses.kubeconfig) as client:
        namespaces = [each for each in _namespaces(client) if each.startswith(f"{slug}-")]
        releases = sorted({release for each in namespaces for release, _ in _revisions(client, each)})
    return {
        "role": _names(addresses.storage, "select rolname as name from pg_roles where rolname like %s", like),
        "database": _names(addresses.storage, "select datname as name from pg_database where datname like %s", like),
        "connection": _connections(addresses, slug),
        "namespace": namespaces,
        "release": releases,
        "s3_bucket": [each for each in addresses.buckets() if each.startswith(f"{slug}-")],
        "dns_record": [each for each in addresses.dns_names() if each.startswith(f"{slug}-")],
        "dns_proof": [each for each in addresses.dns_names() if each.startswith(f"_tenancy.{slug}-")],
    }


def _names(dsn: str, statement: str, parameter: str) -> list[str]:
    return [row["name"] for row in rows(dsn, statement, parameter)]


def _connections(addresses: AttackAddresses, slug: str) -> list[str]:
    prefix = slug.replace("-", "_")
    with addresses.api_as("engineer") as client:
        answer = client.get("/api/v2/connections", params={"connection_id_pattern": prefix, "limit": 100})
    answer.raise_for_status()
    return [each["connection_id"] for each in answer.json()["connections"]]


def _namespaces(client: ApiClient) -> list[str]:
    return [namespace.metadata.name for namespace in CoreV1Api(client).list_namespace().items]


def _revisions(client: ApiClient, namespace: str) -> Iterator[tuple[str, str]]:
    """(release, status) of every revision, oldest first."""
    secrets = CoreV1Api(client).list_namespaced_secret(namespace, label_selector="owner=helm").items
    for secret in sorted(secrets, key=lambda secret: int(secret.metadata.labels["version"])):
        yield secret.metadata.labels["name"], secret.metadata.labels["status"]


def _in_database(addresses: AttackAddresses, database: str, product: TrialProduct) -> list[str]:
    dsn = in_database(addresses.storage, database)
    tables = _names(dsn, "select tablename as name from pg_tables where schemaname = %s order by 1", "tenant")
    return [] if tables == TABLES[product.name] else [f"its tables are {tables}"]


def _has_one_admin(addresses: AttackAddresses, database: str) -> list[str]:
    dsn = in_database(addresses.storage, database)
    admins = rows(dsn, "select count(*) as number from tenant.users where role = 'admin'")[0]["number"]
    return [] if admins == 1 else [f"it has {admins} admins"]


def _in_cluster(addresses: AttackAddresses, namespace: str) -> list[str]:
    with new_client_from_config(addresses.kubeconfig) as client:
        statuses = [status for _, status in _revisions(client, namespace)]
        pods = _serving_pods(CoreV1Api(client), namespace)
    violations = [] if statuses[-1] == "deployed" else [f"its release is {statuses}"]
    ready = {pod.metadata.name: _is_ready(pod) for pod in pods}
    return violations if ready and all(ready.values()) else [*violations, f"of its pods are ready: {ready}"]


def _serving_pods(core: CoreV1Api, namespace: str) -> list[Any]:
    """Without those of Jobs: they have ended, and are there until the cluster has collected them."""
    pods = core.list_namespaced_pod(namespace).items
    return [pod for pod in pods if not any(owner.kind == "Job" for owner in pod.metadata.owner_references or ())]


def _is_ready(pod: Any) -> bool:
    return any(condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions or ())


def _at_its_address(addresses: AttackAddresses, slug: str, domain: str) -> list[str]:
    host = {"Host": f"{slug}.{domain}"}
    try:
        healthy = httpx.get(f"{addresses.ingress}/healthz", headers=host, timeout=10, trust_env=False)
        admin = httpx.get(f"{addresses.ingress}/admin/login", headers=host, timeout=10, trust_env=False)
    except httpx.HTTPError as error:
        return [f"its address does not respond: {error!r}"]
    answers = [healthy, admin]
    return [f"its address answers {a.status_code} {a.text[:200]}" for a in answers if a.status_code != 200]


def check_hash_chain(facts: Iterable[dict[str, Any]]) -> list[str]:
    """The facts of one stream, in order: numbered without a gap, each hash covering the one before."""
    before = ""
    for number, fact in enumerate(facts, start=1):
        if fact["seq"] != number:
            return [f"fact {number} is missing"]
        if fact["prev_hash"] != before or fact["hash"] != _hash(fact):
            return [f"the chain is broken at fact {number}"]
        before = fact["hash"]
    return []


def _hash(fact: dict[str, Any]) -> str:
    content = {name: fact[name] for name in ("seq", "kind", "attempt", "actor", "reason", "lease", "data")}
    content |= {"stream": str(fact["stream"]), "at": fact["at"].astimezone(UTC).isoformat(timespec="microseconds")}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{fact['prev_hash']}\n{canonical}".encode()).hexdigest()


PERSONS = {"operator", "engineer", "admin"}
_WORDS = {"tenant.provisioning.cancel.requested", "tenant.decommission.requested"}


def check_releases(facts: Iterable[dict[str, Any]]) -> list[str]:
    """The facts of one stream, in order: after the point of no return nothing is released unless a person asked."""
    in_use = allowed = False
    for fact in facts:
        kind = fact["kind"]
        in_use |= kind == "tenant.provisioning.step.completed" and fact["data"]["activity"] == PIVOT
        allowed |= kind in _WORDS and fact["actor"] in PERSONS
        if kind == "tenant.provisioning.started":
            allowed = False
        if kind == "tenant.provisioning.settled":
            in_use = False
        if kind == "tenant.resource.released" and in_use and not allowed:
            return [f"fact {fact['seq']} releases what a customer may use, and no person asked for that"]
    return []


def was_asked_for(facts: Iterable[dict[str, Any]], newest: dict[str, int]) -> bool:
    """Did a person ask to destroy the tenant of these facts after the newest fact of the backup?"""
    later = (fact for fact in facts if fact["seq"] > newest.get(str(fact["stream"]), fact["seq"]))
    return any(fact["kind"] in _WORDS and fact["actor"] in PERSONS for fact in later)


def facts(addresses: AttackAddresses, slugs: list[str]) -> list[dict[str, Any]]:
    """All facts of these tenants, stream by stream, in order."""
    statement = (
        "select fact.* from ledger.fact join ledger.tenant on stream = id where slug = any(%s) order by stream, seq"
    )
    return rows(addresses.ledger, statement, slugs)


_DATABASE = "select oid, datname, datconnlimit from pg_database"


def identity(addresses: AttackAddresses, slug: str) -> dict[str, Any]:
    """What must not change of a tenant that nobody touches: ids, not only names."""
    like = slug.replace("-", r"\_") + r"\_%"
    namespace = existing_objects(addresses, slug)["namespace"]
    with new_client_from_config(addresses.kubeconfig) as client:
        core = CoreV1Api(client)
        pods = [pod.metadata.uid for each in namespace for pod in _serving_pods(core, each)]
        spaces = [core.read_namespace(each).metadata.uid for each in namespace]
        secrets = [s.metadata.uid for each in namespace for s in core.list_namespaced_secret(each).items]
    return {
        "pods": sorted(pods),
        "namespaces": spaces,
        "secrets": sorted(secrets),
        "database": rows(addresses.storage, f"{_DATABASE} where datname like %s", like),
        "role": rows(addresses.storage, "select oid, rolname, rolconnlimit from pg_roles where rolname like %s", like),
        "connection": rows(addresses.airflow, "select * from connection where conn_id like %s", like),
        "facts": len(facts(addresses, [slug])),
    }
