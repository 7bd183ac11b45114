"""`python -m tests.chaos --trials N --seed S`: a campaign, as `make chaos` and `make chaos-replay` run it."""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sandbox.layout import PROJECT, Layout
from tests.chaos import results
from tests.chaos.campaign import VIOLATIONS, Campaign
from tests.chaos.product_systems import product_systems
from tests.chaos.trial_generator import (
    PAIRS,
    Trial,
    generate_products_trial,
    generate_restores_trial,
    generate_systems_trial,
    generate_trial,
)
from tests.chaos.trial_runner import Outcome
from tests.sandboxes import EXECUTOR

RESULTS = PROJECT / "docs" / "chaos-results.jsonl"
_OTHER_RESULTS = {
    "systems": PROJECT / "docs" / "chaos-results-systems.jsonl",
    "restores": PROJECT / "docs" / "chaos-results-restores.jsonl",
    "products": PROJECT / "docs" / "chaos-results-products.jsonl",
}
CELERY_RESULTS = PROJECT / "docs" / "chaos-results-celery.jsonl"
DOCUMENT = PROJECT / "docs" / "reliability.md"


def main() -> int:
    options = _options()
    try:
        with ExitStack() as systems:
            return _play(options, _open_campaign(options, systems))
    finally:
        if options.results == RESULTS:
            written = results.into(DOCUMENT.read_text(encoding="utf-8"), results.read(RESULTS))
            DOCUMENT.write_text(written, encoding="utf-8")


def _open_campaign(options: argparse.Namespace, systems: ExitStack) -> Campaign:
    campaign = Campaign(Layout.find(options.home))
    if options.deck == "products":
        folder = Path(systems.enter_context(TemporaryDirectory(prefix="tenancy-chaos-")))
        campaign.systems = systems.enter_context(product_systems(folder, campaign.layout))
        campaign.airflow_options = campaign.systems.options(campaign.airflow_options, campaign.layout)
    campaign.open()
    return campaign


def _play(options: argparse.Namespace, campaign: Campaign) -> int:
    deadline = time.monotonic() + options.minutes * 60
    line: dict[str, Any] = {}
    for trial in islice(_trials(options), options.trials):
        if time.monotonic() > deadline:
            break
        outcome = campaign.play(trial)
        line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **outcome.line()}
        results.add(options.results, line)
        print(_format_outcome(outcome), flush=True)
        if outcome.violations:
            again = f"make chaos-replay SEED={trial.seed} DECK={options.deck} EXECUTOR={EXECUTOR}"
            print(f"Violation; see {VIOLATIONS / str(trial.seed)}. Again: {again}")
            return 1
    violations = _final_recheck(campaign)
    if violations:  # whose seed is told in it; the trial itself is counted already
        results.add(options.results, {**line, "counts": False, "violations": violations})
    return int(bool(violations))


def _trials(options: argparse.Namespace) -> Iterator[Trial]:
    """From the seed on; with --missing only those that aim at a pair which no trial has hit so far."""
    for seed in range(options.seed, options.seed + max(options.trials, LAPS * len(PAIRS))):
        trial = _DECKS.get(options.deck, _generate_parts_trial)(seed)
        if not options.missing or results.is_missing(results.read(options.results), trial):
            yield trial


def _generate_parts_trial(seed: int) -> Trial:
    return generate_trial(seed, celery=EXECUTOR == "celery")


_DECKS: Final = {
    "systems": generate_systems_trial,
    "restores": generate_restores_trial,
    "products": generate_products_trial,
}
LAPS: Final = 8
"""Seeds that --missing looks through: each pair of fault and phase is aimed at once a lap, an activity by chance."""


def _final_recheck(campaign: Campaign) -> list[str]:
    violations = campaign.recheck(wait=True) + campaign.recheck()  # the last ones are decommissioned by the first
    print("\n".join(violations) or "All tenants are still as they were a minute after their trial.")
    return violations


def _format_outcome(outcome: Outcome) -> str:
    ended = ", ".join(f"{count} {end}" for end, count in outcome.ends.items())
    verdict = "; ".join(outcome.violations) or ("ok" if outcome.counts else "missed")
    missed = f" [{'; '.join(outcome.missed)}]" if outcome.missed else ""
    return f"{datetime.now(UTC):%H:%M:%S} {outcome.trial} -> {ended} ({outcome.seconds:.0f} s){missed}: {verdict}"


def _results(deck: str) -> Path:
    if deck in _OTHER_RESULTS:
        return _OTHER_RESULTS[deck]
    return CELERY_RESULTS if EXECUTOR == "celery" else RESULTS


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Proof by chaos.")
    parser.add_argument("--trials", type=int, default=10, metavar="N")
    parser.add_argument("--seed", type=int, default=1, help="of the first trial; the next one has the next")
    parser.add_argument("--missing", action="store_true", help="aim only at pairs that were not hit yet")
    parser.add_argument("--minutes", type=float, default=10_000, help="begin no trial after so many")
    parser.add_argument("--home", type=Path, default=PROJECT / ".sandbox-chaos", metavar="DIR")
    parser.add_argument("--deck", choices=("parts", *_DECKS), default="parts", help="where its first fault is from")
    parser.add_argument("--results", type=Path, metavar="FILE")
    options = parser.parse_args()
    options.results = options.results or _results(options.deck)
    return options


if __name__ == "__main__":
    sys.exit(main())
