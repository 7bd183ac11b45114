"""Compares the ledger with what exists outside: orphaned, missing and edited resources. Pure; drift_check.py observes.

Why no lock is needed: tenants change while they are observed, but the ledger records an intent before an effect and a
release after it. So an observation of a tenant counts if the tenant's last fact was the same before and after it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from tenancy.activities.activity import DiscoveredObject
from tenancy.activities.registry import maker_of_kind
from tenancy.ledger.findings import Finding, FindingKind
from tenancy.ledger.inventory import OwnedResource
from tenancy.saga.names import TenantId
from tenancy.saga.systems import accepted_for

Seqs = Mapping[TenantId, int]


@dataclass(frozen=True)
class Discovery:
    """What one activity's `discover` found in one region. The region is empty if all regions share one system."""

    kinds: tuple[str, ...]
    region: str
    found: tuple[DiscoveredObject, ...]
    system: str = ""
    """The identity of the system that answered, the same before and after."""


@dataclass(frozen=True)
class Comparison:
    """Discoveries, and the ledger's state before and after them."""

    discoveries: tuple[Discovery, ...]
    owned: Mapping[tuple[str, str], OwnedResource]
    before: Seqs
    after: Seqs
    replaced: Mapping[str, str] = field(default_factory=dict)
    """Systems that are gone for good -> their successors (platform file)."""
    _places: Mapping[tuple[str, str], Mapping[str, set[str]]] = field(init=False, repr=False)
    """(kind, region), if it was observed -> name -> addresses of the systems that have it."""

    def __post_init__(self) -> None:
        places: dict[tuple[str, str], dict[str, set[str]]] = {}
        for discovery in self.discoveries:
            places |= {(kind, discovery.region): {} for kind in discovery.kinds}
            for found in discovery.found:
                places[found.kind, discovery.region].setdefault(found.name, set()).add(found.address)
        object.__setattr__(self, "_places", places)

    def findings(self) -> list[Finding]:
        """All orphaned, missing and edited resources, as far as their systems were observed."""
        return [*self._orphans(), *self._missing(), *self._edited()]

    def covers(self, finding: Finding) -> bool:
        """Would this comparison have reported the finding again if it still held? If so, it may be closed."""
        owner = self.owned.get((finding.kind, finding.name))
        regions = {finding.region, *([self._region(owner)] if owner else [])}
        looked = all((finding.kind, region) in self._places for region in regions)
        return looked and (owner is None or self.is_own_system(owner)) and self._is_still(finding.tenant_id, owner)

    def is_own_system(self, owned: OwnedResource) -> bool:
        """Was the resource's own system observed, as far as identities are known? Absence in another proves nothing."""
        looks = [
            discovery
            for discovery in self.discoveries
            if owned.kind in discovery.kinds and discovery.region == self._region(owned)
        ]
        accepted = accepted_for(owned.system, self.replaced)
        return all(not discovery.system or not owned.system or discovery.system in accepted for discovery in looks)

    def in_other_systems(self, discovery: Discovery) -> list[OwnedResource]:
        """The resources that were created in another system than the one that answered."""
        of_look = (
            each
            for each in self.owned.values()
            if each.kind in discovery.kinds and self._region(each) == discovery.region
        )
        return [each for each in of_look if not self.is_own_system(each)]

    def _orphans(self) -> Iterator[Finding]:
        reported = set()
        for discovery in self.discoveries:
            for found in discovery.found:
                at = (found.kind, found.name, found.address)
                if at not in reported and self._is_orphan(found):
                    reported.add(at)
                    yield _orphan(found, discovery.region, _tenant_of(found))

    def _is_orphan(self, found: DiscoveredObject) -> bool:
        owner = self.owned.get((found.kind, found.name))
        if not self._is_still(_tenant_of(found), owner):
            return False
        if owner is None:
            return True
        there = self._places.get((owner.kind, self._region(owner)))
        if there is None:
            return False  # the system of its owner's resource was not observed
        # The owner's own resource may be created right now, between two observations of one server. Only if that one
        # was observed as well is this one an orphan.
        return found.name in there and found.address not in there[found.name]

    def _missing(self) -> Iterator[Finding]:
        for owned in self.owned.values():
            region = self._region(owned)
            looked = self._places.get((owned.kind, region))
            if not owned.active or looked is None or owned.name in looked or not self.is_own_system(owned):
                continue
            if self._is_still(None, owned):
                yield _missing(owned, region)

    def _edited(self) -> Iterator[Finding]:
        for discovery in self.discoveries:
            for found in discovery.found:
                owner = self.owned.get((found.kind, found.name))
                if not found.drift or owner is None or not owner.active or self._region(owner) != discovery.region:
                    continue
                if self._is_still(_tenant_of(found), owner):
                    yield _edited(owner, discovery.region, found.drift)

    def _region(self, owned: OwnedResource) -> str:
        return "" if (owned.kind, "") in self._places else owned.region

    def _is_still(self, tenant_id: TenantId | None, owner: OwnedResource | None) -> bool:
        ids = {tenant_id, owner and owner.tenant_id} - {None}
        return all(self.before.get(each) == self.after.get(each) for each in ids)  # type: ignore[arg-type]


def _tenant_of(found: DiscoveredObject) -> TenantId | None:
    try:
        return TenantId(UUID(found.proof.rpartition(":")[2]))
    except ValueError:
        return None


def _orphan(found: DiscoveredObject, region: str, tenant_id: TenantId | None) -> Finding:
    sentence = (
        f"The {found.kind} {found.name} exists at {found.address} and carries our mark ({found.proof}), but "
        "no tenant in the ledger has it. "
        "It is never removed by itself: when the ledger was restored from a backup, it may be a "
        "customer's. Make sure that nobody needs it, then remove it manually: "
        f"{maker_of_kind(found.kind).manual_removal[found.kind].format(name=found.name)}"
    )
    return Finding(FindingKind.ORPHAN, found.kind, found.name, region, tenant_id, sentence)


def _missing(owned: OwnedResource, region: str) -> Finding:
    sentence = (
        f"The tenant {owned.slug} is Active, but its {owned.kind} {owned.name} does not exist, or lost our mark "
        f"(annotation, comment or description). Find out who removed it; restore it under the same name and with the "
        f"same mark, or decommission {owned.slug} and recreate it."
    )
    return Finding(FindingKind.MISSING, owned.kind, owned.name, region, owned.tenant_id, sentence)


def _edited(owned: OwnedResource, region: str, how: str) -> Finding:
    sentence = (
        f"The tenant {owned.slug} is Active, but its {owned.kind} {owned.name} is not as it was made: {how}. Find out "
        "who did it, and put the field back as it was."
    )
    return Finding(FindingKind.DRIFT, owned.kind, owned.name, region, owned.tenant_id, sentence)
