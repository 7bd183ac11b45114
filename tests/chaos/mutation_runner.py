"""`python -m tests.chaos.mutation_runner`: does the campaign detect a missing rule?

The sandbox runs from a copy of the product from which one rule is removed at a time. Only seeds are played whose trial
could show that this rule is missing. A mutant that survives 60 trials is a blind spot of the campaign.
"""

import argparse
import itertools
import shutil
import sys

from sandbox import lifecycle
from sandbox.layout import PROJECT, Layout
from tests.chaos.campaign import Campaign
from tests.chaos.mutations import MUTATIONS, Mutation

HOME = PROJECT / ".sandbox-mutants"
TRIALS = 60
_COPIED = ("include", "dags", "plugins", "products")


def main() -> int:
    options = _options()
    survivors = [each.name for each in MUTATIONS if options.only in each.name and not _is_detected(each, options.seed)]
    lifecycle.down(Layout.find(HOME), purge=True)
    return len(survivors)


def _is_detected(mutation: Mutation, seed: int) -> bool:
    """Play aimed trials until one ends in a violation."""
    project = HOME / "project"
    shutil.rmtree(project, ignore_errors=True)
    for folder in _COPIED:
        shutil.copytree(PROJECT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    mutation.apply(project)
    campaign = Campaign(Layout(HOME, project))
    lifecycle.down(campaign.layout)  # the settings are the same, so `up` would not notice that the code differs
    campaign.open()
    for number, trial in enumerate(
        itertools.islice(mutation.aimed(map(mutation.generate_trial, itertools.count(seed))), TRIALS), start=1
    ):
        outcome = campaign.play(trial)
        print(f"{mutation.name}, trial {number}: {trial}: {outcome.violations or outcome.missed or 'ok'}", flush=True)
        if outcome.violations:
            return True
    print(f"{mutation.name}: not seen in {TRIALS} trials", flush=True)
    return False


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.mutation_runner", description="Does the campaign detect a missing rule?"
    )
    parser.add_argument("--only", default="", help="mutations whose name has this in it")
    parser.add_argument("--seed", type=int, default=1, help="where to begin to look for aimed trials")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
