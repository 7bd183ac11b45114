"""The three facts of an unwinding, in words: is the task dead, how much is undone, what is left. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tenantctl.tenant import UnwindingProgress

_FEW: Final = 3


def progress_line(progress: UnwindingProgress) -> str:
    """The three facts in one line; what is left is named only when it is little."""
    few = progress if len(progress.left) <= _FEW else replace(progress, left=())
    facts = dict(progress_facts(few)) | ({"Resources left": len(progress.left)} if few is not progress else {})
    return "; ".join(f"{name.lower()} {value}" for name, value in facts.items())


def progress_facts(progress: UnwindingProgress) -> list[tuple[str, object]]:
    """What an operator asks of a cancel: is the task dead, how much is undone, what is left?"""
    return [
        ("In-flight task", f"still alive: {progress.in_flight}" if progress.in_flight else "dead, or none was"),
        ("Compensations", f"{progress.undone} of {progress.to_undo}"),
        ("Resources left", counted(progress.left)),
    ]


def counted(left: Sequence[str]) -> str:
    """How many, and which."""
    return f"{len(left)}: {', '.join(left)}" if left else "none"
