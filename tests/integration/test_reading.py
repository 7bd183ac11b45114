"""The read models on a real PostgreSQL: pages, filters, search, who needs attention, whether a stream is whole."""

import unicodedata
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import pytest

from sandbox.postgres import PostgresServer
from tenancy.ledger import tenant_summaries
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.tenant_summaries import AttentionCutoffs, PagePosition, TenantFilter
from tenancy.saga import commands as c
from tenancy.saga.facts import ActionRefused
from tenancy.saga.names import TenantId
from tenancy.saga.stalls import TENANT_LIMITS, Limits
from tenancy.saga.states import State, Substate
from tenancy.saga.tenant import Parameters
from tests.integration.conftest import EPOCH
from tests.integration.lifecycles import WHOLE_LIFE
from tests.real_systems import without_guards
from tests.unit.sagas import RUN, TENANT, give_up, start

STAMP = Stamp("ada", reason="because")
SOON, LATER = EPOCH + timedelta(seconds=100), EPOCH + timedelta(hours=1)
DATABASE = "ledger_of_tests"


def _id(number: int) -> TenantId:
    return TenantId(UUID(int=TENANT.int + number))


def _tenant(
    session: LedgerSession,
    number: int,
    *commands: c.Command,
    slug: str = "",
    name: str = "Acme",
    plan: str = "small",
    region: str = "eu",
) -> TenantId:
    parameters = Parameters(slug or f"tenant-{number}", name, plan, region, "ada@acme.test")
    session.record(_id(number), start(RUN, parameters, _id(number)), *commands, stamp=STAMP)
    return _id(number)


ANYONE = TenantFilter()


def _late(now: datetime) -> AttentionCutoffs:
    return tenant_summaries.attention_cutoffs(Limits({}, TENANT_LIMITS), now)


def _slugs(session: LedgerSession, tenant_filter: TenantFilter = ANYONE, now: datetime = SOON) -> list[str]:
    return [
        line.parameters.slug
        for line in tenant_summaries.load_tenants(session, tenant_filter, cutoffs=_late(now), limit=50)
    ]


def test_tenants_come_newest_first(session: LedgerSession):
    for number in range(3):
        _tenant(session, number)
    assert _slugs(session) == ["tenant-2", "tenant-1", "tenant-0"]


def test_pages_follow_each_other_without_gap_or_repetition_while_tenants_are_added(session: LedgerSession):
    for number in range(5):
        _tenant(session, number)
    first = tenant_summaries.load_tenants(session, TenantFilter(), cutoffs=_late(SOON), limit=2)
    _tenant(session, 9)
    place = PagePosition(first[-1].created_at, first[-1].tenant_id)
    second = tenant_summaries.load_tenants(session, TenantFilter(), cutoffs=_late(SOON), limit=9, after=place)
    assert [line.parameters.slug for line in [*first, *second]] == [f"tenant-{n}" for n in (4, 3, 2, 1, 0)]


def test_tenants_of_one_moment_are_distinguished_by_their_ids(fast_server: PostgresServer, session: LedgerSession):
    for number in range(4):
        _tenant(session, number)
    with without_guards(fast_server, DATABASE) as connection:
        connection.execute("update ledger.tenant set created_at = %s", (EPOCH,))
    ids, place = [], None
    while page := tenant_summaries.load_tenants(session, TenantFilter(), cutoffs=_late(SOON), limit=1, after=place):
        ids += [line.tenant_id for line in page]
        place = PagePosition(page[-1].created_at, page[-1].tenant_id)
    assert ids == [_id(3), _id(2), _id(1), _id(0)]


def test_a_list_is_filtered_by_state_substate_region_and_plan(session: LedgerSession):
    _tenant(session, 1)
    _tenant(session, 2, c.Cancel(), region="us")
    _tenant(session, 3, give_up(), c.Settle(1), plan="large")
    assert _slugs(session, TenantFilter(state=State.CANCELLING)) == ["tenant-2"]
    assert _slugs(session, TenantFilter(state=State.FAILED, substate=Substate.SETTLED)) == ["tenant-3"]
    assert _slugs(session, TenantFilter(substate=Substate.STUCK)) == []
    assert _slugs(session, TenantFilter(region="us")) == ["tenant-2"]
    assert _slugs(session, TenantFilter(plan="large")) == ["tenant-3"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("glo", ["globex"]),
        ("GLOB", ["globex"]),
        ("lobex", []),
        ("corp", ["globex"]),
        ("CORP", ["globex"]),
        ("orpor", []),
        ("corp  HANK", ["globex"]),
        ("hank-corp", ["globex"]),
        ("hank init", []),
        ("100", ["initech"]),
        ("100%", ["initech"]),
        ("b", ["initech"]),
        ("straße", ["initech"]),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("'b':*|hank", []),
        ("018f0000-0000-7000-8000-00000000acaf", ["initech"]),
        ("018f0000", ["globex", "initech"]),
        ("018F0000-0", ["globex", "initech"]),
        ("018f00000", []),
        ("' or true --", []),
    ],
)
def test_a_search_knows_the_beginning_of_a_slug_of_an_id_and_of_each_word_of_a_name(
    session: LedgerSession, text: str, found: list[str]
):
    _tenant(session, 1, slug="initech", name="100 % Initech, <b>Straße</b>")
    _tenant(session, 2, slug="globex", name="Hank Corporation")
    assert _slugs(session, TenantFilter(text=text)) == found


NAMES = ["Café Zürich", "Ångström", "Đặng Văn Lâm", "Żółć", "각 한글", "ώμέγα", "ガス"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("sent", ["NFC", "NFD"])
def test_a_name_is_found_in_whatever_form_of_unicode(
    session: LedgerSession, name: str, stored: Literal["NFC", "NFD"], sent: Literal["NFC", "NFD"]
):
    _tenant(session, 1, slug="globex", name=unicodedata.normalize(stored, name))
    _tenant(session, 2, slug="initech", name="Initech")
    for text in (name, name.upper(), *name.split(), name[:2]):
        assert _slugs(session, TenantFilter(text=unicodedata.normalize(sent, text))) == ["globex"], text
    assert _slugs(session, TenantFilter(text="Zürichs")) == []


def test_what_failed_needs_attention_at_once_and_what_hangs_after_its_time(session: LedgerSession):
    _tenant(session, 1)
    _tenant(session, 2, c.Cancel())
    _tenant(session, 3, give_up(), c.Settle(1))
    tenant_filter, since = TenantFilter(attention=True), EPOCH + timedelta(seconds=10)
    assert _slugs(session, tenant_filter, since) == ["tenant-3"]
    assert _slugs(session, tenant_filter, since + timedelta(minutes=2)) == ["tenant-3", "tenant-2"]
    assert _slugs(session, tenant_filter, since + timedelta(minutes=15)) == ["tenant-3", "tenant-2", "tenant-1"]
    for now in (since, since + timedelta(minutes=2), since + timedelta(minutes=15), LATER):
        urgent = tenant_summaries.load_needing_attention(session, cutoffs=_late(now), limit=9)
        assert urgent == tenant_summaries.load_tenants(session, tenant_filter, cutoffs=_late(now), limit=9)
        assert len(urgent) == tenant_summaries.count_needing_attention(session, cutoffs=_late(now))


def test_the_platforms_limits_say_what_is_late(session: LedgerSession):
    _tenant(session, 1)
    _tenant(session, 2, c.Cancel())
    slow = Limits({}, {**TENANT_LIMITS, "provisioning": timedelta(hours=2), "in_between": timedelta(minutes=30)})
    assert tenant_summaries.count_needing_attention(session, cutoffs=_late(LATER)) == 2
    assert (
        tenant_summaries.count_needing_attention(session, cutoffs=tenant_summaries.attention_cutoffs(slow, LATER)) == 1
    )
    listed = tenant_summaries.load_tenants(
        session, ANYONE, cutoffs=tenant_summaries.attention_cutoffs(slow, LATER), limit=9
    )
    assert [line.needs_attention for line in listed] == [True, False]


def test_what_is_done_needs_none_however_old_it_is(session: LedgerSession):
    session.record(TENANT, *WHOLE_LIFE, stamp=STAMP)
    assert _slugs(session, TenantFilter(attention=True), LATER) == []


def test_counts_name_every_state(session: LedgerSession):
    _tenant(session, 1)
    _tenant(session, 2)
    _tenant(session, 3, c.Cancel())
    expected = dict.fromkeys(State, 0) | {State.PROVISIONING: 2, State.CANCELLING: 1}
    assert tenant_summaries.count_by_state(session) == expected


def test_a_tenant_is_found_by_its_id_and_by_its_slug(session: LedgerSession):
    tenant_id = _tenant(session, 1, slug="acme")
    for ref in ("acme", str(tenant_id), str(tenant_id).upper()):
        line = tenant_summaries.find_tenant(session, ref, cutoffs=_late(SOON))
        assert line is not None, ref
        assert line.tenant_id == tenant_id


@pytest.mark.parametrize(
    "ref", ["", "nobody", "018f0000000070008000000000000ae", "\0", "a\0b", "ä", "x" * 5000, "../acme"]
)
def test_what_is_no_tenants_id_or_slug_is_not_found(session: LedgerSession, ref: str):
    _tenant(session, 1, slug="acme")
    assert tenant_summaries.find_tenant(session, ref, cutoffs=_late(SOON)) is None


def test_a_slug_is_its_live_tenant_and_else_the_newest_that_had_it(session: LedgerSession):
    gone = [_tenant(session, number, give_up(), c.Settle(1), c.Decommission(), slug="acme") for number in (1, 2)]
    line = tenant_summaries.find_tenant(session, "acme", cutoffs=_late(SOON))
    assert line is not None
    assert line.tenant_id == gone[1]
    live = _tenant(session, 3, slug="acme")
    _tenant(session, 4, slug="other")
    line = tenant_summaries.find_tenant(session, "acme", cutoffs=_late(SOON))
    assert line is not None
    assert line.tenant_id == live


def test_a_line_shows_the_tenants_state(session: LedgerSession):
    line = tenant_summaries.find_tenant(session, str(_tenant(session, 1, give_up(), c.Settle(1))), cutoffs=_late(SOON))
    assert line is not None
    standing = line.standing
    assert (standing.state, standing.substate, standing.failures) == (State.FAILED, Substate.SETTLED, 1)
    assert line.needs_attention


def test_facts_come_in_pages_with_who_and_why(session: LedgerSession):
    session.record(TENANT, *WHOLE_LIFE, stamp=STAMP)
    everything = session.envelopes(TENANT)
    page = tenant_summaries.load_facts(session, TENANT, after=3, limit=5)
    assert [fact.seq for fact in page] == [4, 5, 6, 7, 8]
    assert [fact.kind for fact in page] == [envelope.fact.kind for envelope in everything[3:8]]
    assert {(fact.actor, fact.reason) for fact in page} == {("ada", "because")}
    assert tenant_summaries.load_facts(session, TENANT, after=len(everything), limit=5) == []


def test_a_stream_that_nobody_touched_is_whole(session: LedgerSession):
    session.record(TENANT, *WHOLE_LIFE, stamp=STAMP)
    session.append_notice(TENANT, ActionRefused("reset", "not now"), stamp=STAMP)
    assert tenant_summaries.find_first_broken_fact(session, TENANT) is None


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("update ledger.fact set actor = 'mallory' where seq = 5", 5),
        ("update ledger.fact set data = '{}' where seq = 6", 6),
        ("update ledger.fact set data = '[]' where seq = 1", 1),
        ("update ledger.fact set kind = 'tenant.made.up' where seq = 7", 7),
        ("delete from ledger.fact where seq = 5", 5),
        ("delete from ledger.fact where seq = (select max(seq) from ledger.fact)", -1),
        ("delete from ledger.fact", 1),
    ],
)
def test_a_stream_reports_where_it_was_changed(
    fast_server: PostgresServer, session: LedgerSession, tampering: str, broken: int
):
    session.record(TENANT, *WHOLE_LIFE, stamp=STAMP)
    length = len(session.envelopes(TENANT))
    with without_guards(fast_server, DATABASE) as connection:
        connection.execute(tampering.encode())
    assert tenant_summaries.find_first_broken_fact(session, TENANT) == (length if broken == -1 else broken)
