"""Who acted on a tenant behind a fact somebody had seen."""

from datetime import UTC, datetime

from tenancy.ledger.envelope import Envelope, Stamp, seal
from tenancy.ledger.interventions import newest_intervention_since
from tenancy.saga import facts as f
from tests.unit.sagas import STORAGE, TENANT

AT = datetime(2026, 11, 23, 3, 7, 9, tzinfo=UTC)


def log(*actions: tuple[str, f.Fact]) -> list[Envelope]:
    return [
        seal(TENANT, fact, seq=seq, at=AT, attempt=1, stamp=Stamp(actor, reason="INC-7"), prev="")
        for seq, (actor, fact) in enumerate(actions, start=1)
    ]


CANCELLED_BY_ADA = log(("worker", f.ActivityProgressed(STORAGE, "half")), ("ada", f.CancelRequested(1)))


def test_somebody_elses_action_is_reported_with_its_time_and_reason() -> None:
    assert str(newest_intervention_since(CANCELLED_BY_ADA, 0)) == "ada asked to cancel it at 03:07:09 UTC (INC-7)"


def test_what_was_seen_is_not_reported_again() -> None:
    assert newest_intervention_since(CANCELLED_BY_ADA, 2) is None


def test_an_activitys_own_facts_are_nobodys_action() -> None:
    assert newest_intervention_since(CANCELLED_BY_ADA[:1], 0) is None


def test_ones_own_actions_can_be_left_out() -> None:
    both = log(("grace", f.CancelRequested(1)), ("ada", f.RunReset()))
    newest = newest_intervention_since(both, 0, except_by={"ada"})
    assert newest is not None
    assert newest.actor == "grace"
    assert newest_intervention_since(both, 0, except_by={"ada", "grace"}) is None
