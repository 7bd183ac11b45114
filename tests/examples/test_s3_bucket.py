"""The example package `examples/s3-bucket`: the contract of activities against a real S3 server, and its own kinds of
failure."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import EntryPoint
from threading import Barrier

import pytest
from tenancy_s3_bucket.activity import CreateS3Bucket
from tenancy_s3_bucket.object_store import ObjectStore

from sandbox.layout import PROJECT
from sandbox.ports import any_free
from tenancy.activities.activity import Activity
from tenancy.activities.packages import GROUP, load_activities
from tenancy.activities.registry import BUILT_IN
from tenancy.saga.connections import Connection
from tenancy.saga.errors import ForeignObjectError, OtherSystemError, PlatformError, TransientError
from tenancy.testing import CHECKS, ActivityBench, Check
from tests.s3_servers import MARKER_BUCKET, S3


@pytest.fixture
def bench(s3: S3) -> ActivityBench:
    """The server is here, so a dead client's request is carried out within moments."""
    connections = {"object_store": s3.connection}
    return ActivityBench(CreateS3Bucket(), connections, s3.has, s3.make, kills=5, late_seconds=0.3)


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_it_keeps_the_contract(check: Check, bench: ActivityBench):
    check.run(bench)


def test_the_package_declares_it():
    text = (PROJECT / "examples" / "s3-bucket" / "pyproject.toml").read_text()
    assert f'[project.entry-points."{GROUP}"]' in text
    name, reference = "create_s3_bucket", "tenancy_s3_bucket.activity:CreateS3Bucket"
    assert f'{name} = "{reference}"' in text
    (activity,) = load_activities([EntryPoint(name, reference, GROUP)], BUILT_IN)
    assert isinstance(activity, Activity)


def test_a_bucket_goes_with_all_versions_of_its_objects(bench: ActivityBench, s3: S3):
    tenant = bench.tenant()
    tenant.run()
    (name,) = s3.names
    s3.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"one", b"two"):
        s3.client.put_object(Bucket=name, Key="file", Body=body)
    s3.client.delete_object(Bucket=name, Key="file")
    tenant.undo()
    assert s3.names == set()
    assert s3.client.list_objects_v2(Bucket=MARKER_BUCKET, Prefix="claims/").get("Contents", []) == []


def test_a_bucket_that_was_made_and_not_tagged_is_ours_and_is_finished(bench: ActivityBench, s3: S3):
    tenant = bench.tenant()
    tenant.run()
    (name,) = s3.names
    s3.client.delete_bucket_tagging(Bucket=name)
    (observed,) = tenant.observe()
    assert (observed.present, observed.healthy) == (True, False)
    tenant.run()
    (observed,) = tenant.observe()
    assert observed.healthy


def test_a_bucket_of_another_tenant_is_left_alone(bench: ActivityBench, s3: S3):
    tenant = bench.tenant()
    (resource,) = tenant.resources
    s3.make("s3_bucket", resource.name)
    ObjectStore(s3.connection).tag(resource.name, "tenancy:other:1")
    with pytest.raises(ForeignObjectError, match="tenancy:other:1"):
        tenant.undo()
    assert resource.name in s3.names


def _at(s3: S3, **extra: str) -> Connection:
    return replace(s3.connection, extra={**s3.connection.extra, **extra})


def test_a_store_that_does_not_respond_is_tried_again(bench: ActivityBench, s3: S3):
    silent = _at(s3, endpoint_url=f"http://127.0.0.1:{any_free()}")
    with pytest.raises(TransientError, match="the connection tenancy_objects does not respond"):
        ObjectStore(silent).identity()


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ({"marker_bucket": ""}, "its extra lacks marker_bucket"),
        ({"marker_bucket": "nowhere"}, "there is no bucket nowhere"),
    ],
)
def test_a_connection_that_lacks_something_holds_the_tenant(s3: S3, extra: dict[str, str], sentence: str):
    with pytest.raises(PlatformError, match=sentence):
        ObjectStore(_at(s3, **extra)).identity()


def test_a_new_store_has_one_identity_however_many_tenants_begin_at_once(s3: S3):
    s3.client.create_bucket(Bucket="new-marker")
    tenants = 8
    together = Barrier(tenants)

    def begin(_: int) -> str:
        store = ObjectStore(_at(s3, marker_bucket="new-marker"))
        together.wait()
        return store.identity(make=True)

    with ThreadPoolExecutor(tenants) as pool:
        identities = set(pool.map(begin, range(tenants)))
    assert identities == {ObjectStore(_at(s3, marker_bucket="new-marker")).identity()}


def test_another_store_is_never_believed(bench: ActivityBench, s3: S3):
    tenant = bench.tenant()
    tenant.run()
    (name,) = s3.names
    s3.client.create_bucket(Bucket="other-marker")
    other = {"object_store": _at(s3, marker_bucket="other-marker")}
    ObjectStore(other["object_store"]).identity(make=True)
    moved = replace(tenant, bench=replace(bench, connections=other))
    for act in (moved.run, moved.undo, moved.observe):
        with pytest.raises(OtherSystemError):
            act()
    assert name in s3.names
