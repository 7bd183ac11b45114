"""The mutations still fit the product's source, and trials that could show them are drawn."""

import itertools
import shutil
from pathlib import Path

import pytest

from sandbox.layout import PROJECT
from tests.chaos.mutation_runner import TRIALS
from tests.chaos.mutations import MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_changes_the_source_and_leaves_it_python(tmp_path: Path, mutation: Mutation):
    for file in {file for file, _, _ in mutation.edits}:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / file, tmp_path / file)
    mutation.apply(tmp_path)
    for file, _, _ in mutation.edits:
        changed = (tmp_path / file).read_text(encoding="utf-8")
        compile(changed, file, "exec")
        assert changed != (PROJECT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_there_are_enough_trials_that_could_show_it(mutation: Mutation):
    aimed = mutation.aimed(map(mutation.generate_trial, range(300_000)))
    assert len(list(itertools.islice(aimed, TRIALS))) == TRIALS
