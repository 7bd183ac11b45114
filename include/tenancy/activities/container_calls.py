"""What an image gets when it is called as a container activity: the verb, JSON in a file, and connections as files.

`run` gets all that is known of the tenant. The other verbs get only what the ledger recorded, and the region's
connections, so that they can be called after plan, region or product have changed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from tenancy.activities.context import ActivityContext
from tenancy.saga.connections import Connection
from tenancy.saga.names import proof_of
from tenancy.saga.platform import Platform, Region
from tenancy.saga.product import ContainerSpec
from tenancy.saga.tenant import Resource

if TYPE_CHECKING:
    from tenancy.adapters.job_documents import JobSpec

_FOLDER: Final = "/tenancy"
_PASSWORD: Final = "password"  # noqa: S105 - the name of its file
_SHORTEST_HIDDEN: Final = 8
"""Characters of a text in `extra`. Shorter ones, such as true or https, are settings and occur in any log."""
_PLAN: Final = ("name", "replicas", "cpu", "memory", "database_connections")


def effect_input(context: ActivityContext, spec: ContainerSpec, name: str) -> dict[str, Any]:
    """For `run`."""
    asked, region = context.saga.parameters, context.region
    return {
        **recorded_input(context, spec, name, proof=context.proof),
        "tenant": {
            "id": str(context.tenant_id),
            "slug": asked.slug,
            "name": asked.name,
            "admin_email": asked.admin_email,
        },
        "attempt": context.saga.attempt,
        "plan": {key: getattr(context.plan, key) for key in _PLAN},
        "region": {"name": region.name, "ingress_domain": region.ingress_domain},
        "parameters": {each.key: asked.values.get(each.key, each.default) for each in context.product.parameters},
        "outputs": {activity: dict(values) for activity, values in context.outputs.items()},
    }


def recorded_input(context: ActivityContext, spec: ContainerSpec, name: str, *, proof: str) -> dict[str, Any]:
    """For `observe`; also a part of what the other verbs of a tenant get."""
    return {
        "platform": {"name": context.platform.name},
        "tenant": {"id": str(context.tenant_id), "slug": context.saga.parameters.slug},
        "region": {"name": context.saga.parameters.region},
        "resource": {"kind": spec.resource, "name": name},
        "proof": proof,
    }


def undo_input(context: ActivityContext, spec: ContainerSpec, resource: Resource) -> dict[str, Any]:
    """For `compensate`. With the unwinding's number, the end of a Job counts in every pass of its own unwinding, and in
    no later one: it may be older than the object."""
    given = recorded_input(context, spec, resource.name, proof=resource.proof)
    return {**given, "unwinding": context.saga.generation}


def discover_input(platform: Platform, region: Region, spec: ContainerSpec) -> dict[str, Any]:
    """For `discover`: the proof of each object that is ours begins with `proof_prefix`."""
    return {
        "platform": {"name": platform.name},
        "region": {"name": region.name},
        "resource": {"kind": spec.resource},
        "proof_prefix": proof_of(platform.name, ""),
    }


def call_of(
    spec: ContainerSpec,
    platform: Platform,
    verb: str,
    given: Mapping[str, Any],
    connections: Sequence[Connection] = (),
    *,
    proof: str,
    key: str = "",
) -> "JobSpec":
    """The Job of one call. `key` tells the Jobs of tenants apart: the same key, the same Job."""
    from tenancy.adapters.job_documents import JobSpec

    return JobSpec(
        name=_job_name(spec, verb, key),
        namespace=platform.jobs_namespace,
        image=spec.image,
        proof=proof,
        seconds=max(1, round(spec.timeout_minutes * 60)),
        arguments=(verb,),
        environment=_environment(verb),
        labels=_labels(spec, platform, verb),
        folder=_FOLDER,
        files={"input.json": json.dumps({"verb": verb, **given}, sort_keys=True)},
        secrets=dict(file for connection in connections for file in _files_of(connection)),
        hidden=tuple(text for connection in connections for text in hidden_texts(connection)),
        cpu=spec.cpu,
        memory=spec.memory,
        makes_namespace=True,
    )


def _job_name(spec: ContainerSpec, verb: str, key: str) -> str:
    activity = spec.name.replace("_", "-")[:30].rstrip("-")
    return "-".join(part for part in (activity, verb, key) if part)


def _environment(verb: str) -> dict[str, str]:
    from tenancy.adapters.job_documents import MESSAGE_PATH

    return {
        "TENANCY_VERB": verb,
        "TENANCY_INPUT": f"{_FOLDER}/input.json",
        "TENANCY_RESULT": MESSAGE_PATH,
        "TENANCY_CONNECTIONS": f"{_FOLDER}/connections",
    }


def _labels(spec: ContainerSpec, platform: Platform, verb: str) -> dict[str, str]:
    from tenancy.adapters.namespaces import PLATFORM_LABEL

    return {
        PLATFORM_LABEL: platform.name,
        "tenancy.internal/activity": spec.name,
        "tenancy.internal/verb": verb,
        "app.kubernetes.io/managed-by": "tenancy",
    }


def _files_of(connection: Connection) -> Iterator[tuple[str, str]]:
    """Path -> text of each field, empty ones too: a program needs no cases."""
    fields = {name: getattr(connection, name) for name in ("host", "port", "login", _PASSWORD, "schema")}
    for name, value in (*fields.items(), ("extra", json.dumps(dict(connection.extra)))):
        yield f"connections/{connection.id}/{name}", "" if value is None else str(value)


def passwords_in(job: "JobSpec") -> tuple[str, ...]:
    """The passwords of the connections that this call gets."""
    return tuple(text for path, text in job.secrets.items() if path.endswith(f"/{_PASSWORD}") and text.strip())


def hidden_texts(connection: Connection) -> Iterator[str]:
    """What people must not read: the password, and each longer text of `extra`, which may be a token or a key."""
    yield connection.password
    yield from (text for text in _texts_in(connection.extra) if len(text) >= _SHORTEST_HIDDEN)


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for each in value.values() for text in _texts_in(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in _texts_in(each))
