"""What tenants are told of how to connect: their pods' DATABASE_URL and their own Airflow connection."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from tenancy.activities.allocate_storage import AllocateStorage
from tenancy.activities.allocate_workflow_handle import AllocateWorkflowHandle
from tenancy.activities.deploy_workloads import DeployWorkloads
from tenancy.activities.tenant_release import desired_release
from tenancy.adapters.airflow_api import Handle
from tenancy.saga.errors import PlatformError
from tests.contract.workbench import Workbench
from tests.products import PLAN

STORAGE, HANDLE, DEPLOY = (
    next(each for each in PLAN if isinstance(each, kind))
    for kind in (AllocateStorage, AllocateWorkflowHandle, DeployWorkloads)
)


def connect_with(bench: Workbench, options: dict[str, Any], **tenants: str) -> None:
    """The storage connection has these in its extra."""
    bench.line.dsn = replace(bench.line.dsn, options={**bench.line.dsn.options, **options}, tenant_overrides=tenants)


def libpq_parameters(bench: Workbench) -> dict[str, Any]:
    """The pods' DATABASE_URL, as libpq reads it."""
    return conninfo_to_dict(desired_release(bench.context).values["database"]["dsn"])


def handle(bench: Workbench) -> Handle:
    bench.prepare(HANDLE)
    bench.run(HANDLE)
    (made,) = bench.handles.stored.values()
    return made


@pytest.mark.parametrize("host", ["::1", "db.internal", "10.0.0.1", "a.test,b.test"])
def test_pods_get_an_address_that_libpq_reads(bench: Workbench, host: str):
    bench.prepare(DEPLOY)
    connect_with(bench, {}, host=host, port="6432")
    read = libpq_parameters(bench)
    assert (read["host"], set(read["port"].split(","))) == (host, {"6432"})
    assert desired_release(bench.context).values["databasePort"] == 6432


def test_pods_get_nothing_of_airflows_disk(bench: Workbench, tmp_path: Path):
    bench.prepare(DEPLOY)
    files = {name: str(tmp_path / name) for name in ("sslrootcert", "sslcert", "sslkey", "sslcrl")}
    connect_with(bench, {**files, "sslmode": "prefer", "sslpassword": "s", "options": "-c work_mem=1MB"})
    assert libpq_parameters(bench).keys() == {"host", "port", "dbname", "user", "password", "sslmode"}
    connect_with(bench, {"sslmode": "verify-full"}, sslrootcert="/etc/ssl/tenants/ca.pem")
    assert libpq_parameters(bench)["sslrootcert"] == "/etc/ssl/tenants/ca.pem"


def test_pods_that_would_reach_several_ports_are_the_platforms_matter(bench: Workbench):
    bench.prepare(DEPLOY)
    connect_with(bench, {}, host="a.test,b.test", port="1,2")
    with pytest.raises(PlatformError, match=r"several ports \(1, 2\)"):
        desired_release(bench.context)


def test_how_tenants_verify_the_server_is_asked_before_anything_is_made(bench: Workbench):
    bench.prepare(STORAGE)
    before = bench.snapshot()
    connect_with(bench, {"sslmode": "verify-full", "sslrootcert": "/airflow/ca.pem"})
    with pytest.raises(PlatformError, match="tenant_sslrootcert"):
        bench.run(STORAGE)
    assert bench.snapshot() == before


def test_a_tenants_own_airflow_connection_has_the_tls_settings(bench: Workbench):
    connect_with(bench, {"channel_binding": "prefer", "sslkey": "/airflow/admin.key"})
    made = handle(bench)
    assert made.parameters == {"sslmode": "disable", "channel_binding": "prefer"}
    assert all(observation.healthy for observation in HANDLE.observe(bench.context))


def test_a_handle_of_an_older_version_is_as_it_should_be_and_an_edited_one_is_not(bench: Workbench):
    made = handle(bench)
    bench.handles.stored[made.name] = replace(made, parameters={})
    assert HANDLE.observe(bench.context)[0].healthy
    bench.handles.stored[made.name] = replace(made, parameters={"sslmode": "require"})
    assert not HANDLE.observe(bench.context)[0].healthy
