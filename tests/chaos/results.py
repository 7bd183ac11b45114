"""The results of trials: one line of JSON each in a file that grows, and the matrices of them."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.chaos import trial_generator
from tests.chaos.trial_products import SAMPLE


def add(file: Path, line: dict[str, Any]) -> None:
    with file.open("a", encoding="utf-8") as results:
        results.write(json.dumps(line) + "\n")


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def counted(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The trials that hit what they aimed at."""
    return [line for line in lines if line["counts"]]


def by_fault(lines: Iterable[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """How often each fault struck in each phase."""
    return Counter((fault, line["phase"]) for line in counted(lines) for fault in line["hits"])


def by_activity(lines: Iterable[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """How often each activity was struck in each phase."""
    return Counter((line["activity"], line["phase"]) for line in counted(lines))


def is_missing(lines: list[dict[str, Any]], trial: trial_generator.Trial) -> bool:
    """Does it aim at a pair that no counted trial of its product has hit?"""
    lines = [line for line in lines if line.get("product", SAMPLE.name) == trial.product]
    faulted = by_fault(lines)[trial.attacks[0].fault, trial.phase]
    return not (faulted and by_activity(lines)[trial.activity, trial.phase])


def matrices(lines: list[dict[str, Any]]) -> str:
    """Both, as Markdown. A dot: that pair does not exist; 0: it was not hit yet."""
    faults = {fault: set(phases) for fault, phases in trial_generator.FAULTS.items()}
    activities = {
        each: {p for p, those in trial_generator.PHASES.items() if each in those} for each in trial_generator.ACTIVITIES
    }
    return "\n\n".join((_matrix("fault", faults, by_fault(lines)), _matrix("activity", activities, by_activity(lines))))


def _matrix(what: str, exist: dict[str, set[str]], hits: Counter[tuple[str, str]]) -> str:
    phases = list(trial_generator.PHASES)
    lines = [f"| {what} | {' | '.join(phases)} |", "|---" * (len(phases) + 1) + "|"]
    for name, those in exist.items():
        cells = [str(hits[(name, phase)]) if phase in those else "·" for phase in phases]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def summary(lines: list[dict[str, Any]]) -> str:
    """All results in one sentence."""
    true = counted(lines)
    violations = sum(bool(line["violations"]) for line in lines)
    ends: Counter[str] = Counter()
    for line in true:
        ends.update(line["ends"])
    ended = ", ".join(f"{count} {end}" for end, count in ends.most_common())
    missing = sum(not by_fault(lines)[pair] for pair in trial_generator.PAIRS)
    return (
        f"{len(true)} counted trials of {len(lines)}, {violations} violations; tenants: {ended or 'none'}; "
        f"{missing} of {len(trial_generator.PAIRS)} pairs of fault and phase not hit yet."
    )


BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"


def into(document: str, lines: list[dict[str, Any]]) -> str:
    """The document with the results between its marks replaced."""
    head, rest = document.split(BEGIN)
    _, tail = rest.split(END)
    seeds = ", ".join(_ranges(sorted({line["seed"] for line in lines})))
    return f"{head}{BEGIN}\n{summary(lines)} Seeds: {seeds or 'none'}.\n\n{matrices(lines)}\n{END}{tail}"


def _ranges(numbers: list[int]) -> list[str]:
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [str(first) if first == last else f"{first} to {last}" for first, last in found]
