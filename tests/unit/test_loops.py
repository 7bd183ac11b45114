"""When to stop retrying: the third failure, the same error twice; a warning and a typed slug, never a refusal."""

from dataclasses import replace

from tenancy.saga.loops import same_error_again, wants_typed_slug, warnings
from tenancy.saga.tenant import Failure, Saga
from tests.unit.sagas import DEPLOY, SCHEMA, tenant_in


def failed(*failures: tuple[str, str]) -> Saga:
    made = tuple(Failure(number, activity, message) for number, (activity, message) in enumerate(failures, 1))  # type: ignore[arg-type]
    return replace(tenant_in("Failed settled"), failures=made)


def test_one_failure_is_no_loop() -> None:
    assert warnings(failed((SCHEMA, "no answer"))) == ()


def test_the_same_error_at_the_same_activity_twice_is_not_transient() -> None:
    saga = failed((SCHEMA, "backend 4711 of acme_00000000acae died"), (SCHEMA, "backend 12 of acme_ffffffffacae died"))
    assert same_error_again(saga)
    assert [sentence.split(":")[0] for sentence in warnings(saga)] == ["Not transient"]


def test_another_error_or_another_activity_is_no_repetition() -> None:
    assert not same_error_again(failed((SCHEMA, "no answer"), (SCHEMA, "refused")))
    assert not same_error_again(failed((SCHEMA, "no answer"), (DEPLOY, "no answer")))


def test_the_third_failure_tells_what_the_attempts_have_cost_and_what_is_cleaner() -> None:
    saga = replace(failed((SCHEMA, "a"), (DEPLOY, "b"), (SCHEMA, "c")), churn=12)
    (sentence,) = warnings(saga)
    assert "failed 3 times" in sentence
    assert "12 resources" in sentence
    assert "Decommission and recreate" in sentence


def test_the_slug_is_typed_from_the_fourth_attempt_on() -> None:
    three = ((SCHEMA, "a"), (DEPLOY, "b"), (SCHEMA, "c"))
    assert not wants_typed_slug(failed(*three[:2]))
    assert wants_typed_slug(failed(*three))
