"""Create S3 bucket: a bucket of the tenant in its region's object store.

The platform file names the store's connection: [regions.<name>.connections] object_store = "...".
"""

from types import MappingProxyType

from tenancy.activities.activity import Activity, DiscoveredObject
from tenancy.activities.context import ActivityContext, Observation, SystemClients
from tenancy.saga.advice import Remedy
from tenancy.saga.connections import regions_with
from tenancy.saga.errors import ForeignObjectError
from tenancy.saga.names import ActivityName, object_name, proof_of
from tenancy.saga.outputs import Outputs
from tenancy.saga.platform import Platform, Region
from tenancy.saga.states import ActivityKind
from tenancy.saga.systems import Location
from tenancy.saga.tenant import Intent, Resource
from tenancy_s3_bucket.object_store import ObjectStore

BUCKET = "s3_bucket"
SYSTEM = "object_store"
"""The key in the platform file's table `connections`."""
_NAME_LIMIT = 63
"""Amazon S3 User Guide, "General purpose bucket naming rules"."""


class CreateS3Bucket(Activity):
    """One bucket, named after the tenant."""

    name = ActivityName("create_s3_bucket")
    label = "Create S3 bucket"
    short_label = "create bucket"
    kind = ActivityKind.COMPENSATABLE
    stuck_remedy = Remedy("Have somebody check the object store. If nothing moves, cancel, reset and retry.", "cancel")
    resources = (BUCKET,)
    system = SYSTEM
    manual_removal = MappingProxyType({BUCKET: "aws s3 rb --force s3://{name}"})
    late_seconds = 15.0
    """A request whose client died may still be carried out: our read time-out and some time for the store."""
    late_effect_resources = (BUCKET,)
    example_outputs = MappingProxyType({"name": "acme-0123456789", "url": "s3://acme-0123456789"})

    def intents(self, context: ActivityContext) -> tuple[Intent, ...]:
        return (Intent(BUCKET, _own_name(context), context.proof),)

    def locate(self, context: ActivityContext) -> Location:
        connection = context.connection_to(SYSTEM)
        return Location(ObjectStore(connection).identity(make=True), context.region.name, connection.id)

    def identify(self, clients: SystemClients, region: Region | None) -> str:
        conn_id = region.connections.get(SYSTEM) if region else None
        return ObjectStore(clients.connection(conn_id)).identity() if conn_id else ""

    def run(self, context: ActivityContext) -> Outputs:
        store, bucket = _store_of(context, context.recorded(BUCKET)), context.name_of(BUCKET, _own_name(context))
        owner = store.owner_of(bucket)
        if owner not in {None, context.proof}:
            raise _foreign(bucket, owner)
        if owner is None:
            context.fence()
            store.create(bucket, context.proof)
        elif not store.is_tagged(bucket):  # an earlier try died between two requests
            context.fence()
            store.tag(bucket, context.proof)
        return {"name": bucket, "url": f"s3://{bucket}"}

    def compensate(self, context: ActivityContext, resource: Resource) -> None:
        store = _store_of(context, resource)
        owner = store.owner_of(resource.name)
        if owner not in {None, resource.proof}:
            raise _foreign(resource.name, owner)
        if owner is not None or store.has_claim(resource.name):
            context.fence()
            store.delete(resource.name)

    def observe(self, context: ActivityContext) -> tuple[Observation, ...]:
        bucket = context.name_of(BUCKET, _own_name(context))
        store = _store_of(context, context.recorded(BUCKET))
        owner = store.owner_of(bucket)
        if owner is None:
            return (Observation(BUCKET, bucket, present=False, healthy=False, why=f"there is no bucket {bucket}"),)
        why = "" if owner == context.proof else f"the bucket {bucket} is not ours"
        if not why and not store.is_tagged(bucket):
            why = f"the bucket {bucket} has no tag with our proof yet"
        return (Observation(BUCKET, bucket, present=True, healthy=not why, why=why),)

    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:
        prefix = proof_of(platform.name, "")
        stores = [ObjectStore(clients.connection(conn_id)) for _, conn_id in regions_with(platform, SYSTEM)]
        found = [(store, *each) for store in stores for each in store.with_proof(prefix)]
        return tuple(DiscoveredObject(BUCKET, bucket, proof, store.label) for store, bucket, proof in found)


def _own_name(context: ActivityContext) -> str:
    return object_name(context.saga.parameters.slug, context.tenant_id, limit=_NAME_LIMIT, separator="-")


def _store_of(context: ActivityContext, resource: Resource | None) -> ObjectStore:
    """The store that has this bucket, as the ledger recorded it. OtherSystemError when another one answers."""
    store = ObjectStore(context.connection_to(SYSTEM, resource))
    context.expected(resource).require(store.identity(), store.label)
    return store


def _foreign(bucket: str, owner: str | None) -> ForeignObjectError:
    return ForeignObjectError(
        f"A bucket {bucket} exists and is not ours (owner: {owner or 'unknown'}). Nothing was changed; find its owner."
    )
