"""What counts as an orphan and as missing; and that what tenants lawfully do meanwhile counts as nothing."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.activities.activity import DiscoveredObject
from tenancy.engine.reconciliation.comparison import Comparison, Discovery
from tenancy.ledger.findings import Finding, FindingKind
from tenancy.ledger.inventory import OwnedResource
from tenancy.saga.names import TenantId, proof_of
from tests.products import PLAN
from tests.unit.sagas import TENANT

EU, US = "eu", "us"
OTHER = TenantId(UUID(int=7))
ACME = OwnedResource("database", "acme_1", TENANT, "acme", EU, active=True)
HANDLE = OwnedResource("connection", "acme_1", TENANT, "acme", EU, active=True)
STILL = {TENANT: 9}


def found(owned: OwnedResource, place: str = "a") -> DiscoveredObject:
    return DiscoveredObject(owned.kind, owned.name, proof_of("test", owned.tenant_id), place)


def look(*objects: DiscoveredObject, region: str = EU, kind: str = "database") -> Discovery:
    return Discovery((kind,), region, objects)


def compared(
    *looks: Discovery, owned: tuple[OwnedResource, ...] = (ACME,), after: dict[TenantId, int] = STILL
) -> Comparison:
    return Comparison(looks, {(each.kind, each.name): each for each in owned}, STILL, after)


def finding_keys(comparison: Comparison) -> list[tuple[str, str, str, str]]:
    return [finding.key for finding in comparison.findings()]


def test_no_finding_if_ledger_and_world_agree():
    assert finding_keys(compared(look(found(ACME)))) == []


def test_what_no_tenant_has_is_an_orphan_and_what_to_do_is_reported():
    (finding,) = compared(look(found(ACME)), owned=()).findings()
    assert finding.key == ("orphan", "database", "acme_1", EU)
    assert finding.tenant_id == TENANT
    assert "at a and carries our mark" in finding.message
    assert 'drop database "acme_1" with (force)' in finding.message


RELEASE = OwnedResource("release", "acme-1", TENANT, "acme", EU, active=True)
EDITED = "its Deployment was edited: spec.replicas is 0, asked for was 2 (by keda)"


def test_an_active_tenants_edited_release_is_reported_with_what_was_edited_and_by_whom():
    edited = replace(found(RELEASE), drift=EDITED)
    (finding,) = compared(look(edited, kind="release"), owned=(RELEASE,)).findings()
    assert finding.key == ("drift", "release", "acme-1", EU)
    assert finding.outside
    assert f"is not as it was made: {EDITED}. Find out who did it" in finding.message


def test_an_edit_of_a_tenant_that_is_not_active_is_not_reported():
    edited = replace(found(RELEASE), drift=EDITED)
    assert finding_keys(compared(look(edited, kind="release"), owned=(replace(RELEASE, active=False),))) == []


def test_an_edit_is_reported_once_where_two_regions_share_a_cluster():
    edited = replace(found(RELEASE), drift=EDITED)
    looks = (look(edited, kind="release"), look(edited, region=US, kind="release"))
    assert finding_keys(compared(*looks, owned=(RELEASE,))) == [("drift", "release", "acme-1", EU)]


def test_an_edit_of_a_tenant_that_continues_meanwhile_is_not_reported():
    edited = replace(found(RELEASE), drift=EDITED)
    assert finding_keys(compared(look(edited, kind="release"), owned=(RELEASE,), after={TENANT: 10})) == []


def test_every_kind_of_resource_has_a_way_to_remove_it_manually():
    for activity in PLAN:
        assert set(activity.manual_removal) == set(activity.resources)
        for kind in activity.resources:
            leftover = DiscoveredObject(kind, "left_1", "tenancy:test:?", "a")
            (finding,) = compared(look(leftover, kind=kind), owned=()).findings()
            assert "left_1" in finding.message.rpartition("manually: ")[2]
            assert finding.tenant_id is None


def test_an_active_tenants_resource_that_is_not_there_is_missing():
    (finding,) = compared(look()).findings()
    assert finding.key == ("missing", "database", "acme_1", EU)
    assert "acme is Active, but" in finding.message


def test_a_tenant_that_is_not_active_misses_nothing():
    assert finding_keys(compared(look(), owned=(replace(ACME, active=False),))) == []


def test_a_region_that_was_not_checked_misses_nothing_and_hides_nothing():
    assert finding_keys(compared(look(region=US))) == []
    assert finding_keys(compared(look(found(ACME), region=US))) == []
    assert finding_keys(compared(look(replace(found(ACME), name="left_1"), region=US))) == [
        ("orphan", "database", "left_1", US)
    ]


def test_one_server_of_two_regions_has_each_object_once():
    left = replace(found(ACME), name="left_1")
    shared = (look(found(ACME), left), look(found(ACME), left, region=US))
    assert finding_keys(compared(*shared)) == [("orphan", "database", "left_1", EU)]


def test_the_same_name_left_in_another_regions_server_is_an_orphan_there():
    assert finding_keys(compared(look(found(ACME, "a")), look(found(ACME, "b"), region=US))) == [
        ("orphan", "database", "acme_1", US)
    ]


def test_an_object_made_between_two_checks_of_one_server_is_no_orphan():
    assert finding_keys(compared(look(), look(found(ACME), region=US), owned=(replace(ACME, active=False),))) == []


def test_what_all_regions_share_is_checked_once():
    handle = look(found(HANDLE, "Airflow"), region="", kind="connection")
    assert finding_keys(compared(handle, owned=(HANDLE,))) == []
    assert finding_keys(compared(look(region="", kind="connection"), owned=(HANDLE,))) == [
        ("missing", "connection", "acme_1", "")
    ]


@pytest.mark.parametrize("after", [{}, {TENANT: 10}])
def test_a_tenant_that_went_on_meanwhile_is_left_to_the_next_pass(after: dict[TenantId, int]):
    assert finding_keys(compared(look(), after=after)) == []
    assert finding_keys(compared(look(found(ACME)), owned=(), after=after)) == []


def test_a_finding_is_closed_only_by_a_check_of_its_region():
    orphan = Finding(FindingKind.ORPHAN, "database", "acme_1", EU, TENANT, "")
    assert compared(look()).covers(orphan)
    assert not compared(look(region=US)).covers(orphan)
    assert not compared(look(kind="role")).covers(orphan)
    assert not compared(look(), after={TENANT: 10}).covers(orphan)
    assert not compared(look(region=US)).covers(replace(orphan, region=US))  # the owner's region decides, too


# -- whatever tenants do


class Life:
    """One tenant with one database, that does what tenants lawfully do: intent, effect, fact."""

    def __init__(self, tenant_id: TenantId, region: str) -> None:
        self.id, self.region = tenant_id, region
        self.seq = self.exists = self.live = self.active = 0

    def may(self, deed: str) -> bool:
        return {
            "intend": not self.live,
            "make": self.live and not self.active,
            "activate": self.exists and self.live,
            "decommission": self.active,
            "unmake": self.exists and not self.active,
            "release": self.live and not self.exists,
        }.get(deed, True)  # type: ignore[return-value]

    def do(self, deed: str) -> None:
        self.seq += deed not in {"make", "unmake"}
        self.exists = {"make": 1, "unmake": 0}.get(deed, self.exists)
        self.live = {"intend": 1, "release": 0}.get(deed, self.live)
        self.active = {"activate": 1, "decommission": 0}.get(deed, self.active)

    @property
    def owned(self) -> OwnedResource:
        return OwnedResource(
            "database", f"{self.id.hex[-3:]}_1", self.id, "acme", self.region, active=bool(self.active)
        )


DEEDS = ("intend", "make", "activate", "decommission", "unmake", "release", "note")


@given(data=st.data(), shared=st.booleans())
def test_whatever_tenants_do_between_two_checks_nothing_is_found(data: st.DataObject, shared: bool):
    lives = [Life(TENANT, EU), Life(OTHER, US)]

    def time_passes() -> None:
        for _ in range(data.draw(st.integers(0, 4))):
            life = data.draw(st.sampled_from(lives))
            life.do(data.draw(st.sampled_from([deed for deed in DEEDS if life.may(deed)])))

    def seqs() -> dict[TenantId, int]:
        time_passes()
        return {life.id: life.seq for life in lives if life.seq}

    def discover(region: str) -> Discovery:
        time_passes()
        there = [life for life in lives if life.exists and (shared or life.region == region)]
        return look(*(found(life.owned, "one" if shared else region) for life in there), region=region)

    time_passes()
    before = seqs()
    time_passes()
    owned = {(life.owned.kind, life.owned.name): life.owned for life in lives if life.live}
    looks = (discover(EU), discover(US))
    assert Comparison(looks, owned, before, seqs()).findings() == []
