"""An activity whose system is a folder: each object is a folder with a file `owner`. For tests of the contract."""

import shutil
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

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

BOX = "box"


class MakeBox(Activity):
    """Keeps every rule. The connection's host is the folder."""

    name = ActivityName("make_box")
    label = "Make box"
    short_label = "make box"
    kind = ActivityKind.COMPENSATABLE
    stuck_remedy = Remedy("Cancel, reset and retry.", "cancel")
    resources = (BOX,)
    system = "shelf"
    example_outputs = MappingProxyType({"path": "/boxes/acme"})

    def intents(self, context: ActivityContext) -> tuple[Intent, ...]:
        return (Intent(BOX, self.own_name(context), context.proof),)

    def locate(self, context: ActivityContext) -> Location:
        connection = context.connection_to("shelf")
        return Location("shelf:1", context.region.name, connection.id)

    def identify(self, clients: SystemClients, region: Region | None) -> str:
        return "shelf:1" if region else ""

    def run(self, context: ActivityContext) -> Outputs:
        box = self.box(context)
        if not box.exists():
            context.fence()
            self.make(context, box)
        elif owner(box) != context.proof:
            raise ForeignObjectError(f"{box.name} is not ours.")
        return {"path": str(box)}

    def make(self, context: ActivityContext, box: Path) -> None:
        new = box.parent / f".{uuid4()}"
        new.mkdir()
        (new / "owner").write_text(context.proof)
        new.rename(box)

    def compensate(self, context: ActivityContext, resource: Resource) -> None:
        box = self.box(context)
        if not box.exists():
            return
        if owner(box) != resource.proof:
            raise ForeignObjectError(f"{box.name} is not ours.")
        context.fence()
        self.remove(context, box)

    def remove(self, context: ActivityContext, box: Path) -> None:
        box.rename(doomed := box.parent / f".{uuid4()}")
        shutil.rmtree(doomed)

    def observe(self, context: ActivityContext) -> tuple[Observation, ...]:
        box = self.box(context)
        present = box.exists()
        why = "" if present and owner(box) == context.proof else f"the box {box.name} is not there, or is not ours"
        return (Observation(BOX, box.name, present=present, healthy=not why, why=why),)

    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:
        shelves = [Path(clients.connection(conn_id).host) for _, conn_id in regions_with(platform, "shelf")]
        boxes = [(box, owner(box)) for shelf in shelves for box in shelf.glob("[!.]*")]
        return tuple(
            DiscoveredObject(BOX, box.name, proof, "shelf")
            for box, proof in boxes
            if proof.startswith(proof_of(platform.name, ""))
        )

    def own_name(self, context: ActivityContext) -> str:
        return object_name(context.saga.parameters.slug, context.tenant_id, limit=53, separator="-")

    def box(self, context: ActivityContext) -> Path:
        recorded = context.recorded(BOX)
        return Path(context.connection_to("shelf", recorded).host) / context.name_of(BOX, self.own_name(context))


def owner(box: Path) -> str:
    """The proof of a box, empty if it has none."""
    file = box / "owner"
    return file.read_text() if file.exists() else ""
