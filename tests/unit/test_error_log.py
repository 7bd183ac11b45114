"""The error log: every failure and refusal is told once, with who made what could not be undone."""

from datetime import UTC, datetime

from tenancy.ledger.envelope import Envelope, Stamp, seal
from tenancy.ledger.error_log import build_error_log
from tenancy.saga import facts as f
from tenancy.saga.names import RunId
from tests.unit.sagas import HANDLE, MARK_ACTIVE, STORAGE, TENANT

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def _stream(*facts: f.Fact, attempt: int = 1) -> list[Envelope]:
    return [
        seal(TENANT, fact, seq=seq, at=NOON, attempt=attempt, stamp=Stamp("ada"), prev="")
        for seq, fact in enumerate(facts, start=1)
    ]


def _lines(*envelopes: Envelope) -> list[tuple[str, str, str]]:
    return [(line.activity, line.error, line.message) for line in build_error_log(envelopes)]


def test_each_failed_try_is_reported():
    tries = _stream(*(f.ActivityFailed(HANDLE, "TransientError", f"no answer {number}") for number in (1, 2)))
    assert _lines(*tries) == [(HANDLE, "TransientError", "no answer 1"), (HANDLE, "TransientError", "no answer 2")]


def test_an_end_that_repeats_its_last_try_is_reported_once():
    ended = _stream(
        f.ActivityFailed(HANDLE, "TransientError", "no answer"), f.ProvisioningFailed(HANDLE, "no answer", False)
    )
    assert _lines(*ended) == [(HANDLE, "TransientError", "no answer")]


def test_an_end_that_says_more_is_reported_too():
    ended = _stream(
        f.ActivityFailed(HANDLE, "Boom", "no answer"), f.ProvisioningFailed(MARK_ACTIVE, "the process died", True)
    )
    assert _lines(*ended)[1] == (MARK_ACTIVE, "AttemptFailed", "the process died")


def test_the_same_message_in_another_attempt_is_reported_again():
    first = _stream(f.ActivityFailed(HANDLE, "Boom", "no answer"))
    second = _stream(f.ProvisioningFailed(HANDLE, "no answer", False), attempt=2)
    assert len(_lines(*first, *second)) == 2


def test_what_could_not_be_undone_names_its_maker():
    facts = _stream(
        f.ResourceIntended("database", "acme_1", "proof", STORAGE),
        f.CompensationFailed("database", "acme_1", "TransientError", "it is being accessed"),
        f.CompensationFailed("database", "never_made", "TransientError", "odd"),
        f.UnwindingExhausted(("database acme_1",)),
    )
    assert _lines(*facts) == [
        (STORAGE, "TransientError", "database acme_1 could not be undone: it is being accessed"),
        ("", "TransientError", "database never_made could not be undone: odd"),
        ("", "UnwindingExhausted", "Not undone: database acme_1."),
    ]


def test_refusals_are_reported_with_what_was_refused():
    run = RunId("run-1")
    facts = _stream(
        f.ActivityRefused(HANDLE, run, "overtaken"),
        f.ActionRefused("reset", "cancel first"),
        f.RequestRefused("acme", run, "taken", "slug"),
    )
    assert _lines(*facts) == [
        (HANDLE, "Refused", "overtaken"),
        ("", "Refused", "cancel first"),
        ("", "Refused", "taken"),
    ]


def test_what_went_well_is_no_error():
    assert _lines(*_stream(f.ActivityCompleted(HANDLE), f.Settled(), f.RunReset())) == []
