"""The progress of an unwinding in words: running task, compensations done, resources left. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tenantctl.tenant import UnwindingProgress

_FEW: Final = 3


def progress_line(progress: UnwindingProgress) -> str:
    """The progress in one line. It names the resources left if there are few."""
    few = progress if len(progress.left) <= _FEW else replace(progress, left=())
    facts = dict(progress_facts(few)) | ({"Resources left": len(progress.left)} if few is not progress else {})
    return "; ".join(f"{name.lower()} {value}" for name, value in facts.items())


def progress_facts(progress: UnwindingProgress) -> list[tuple[str, object]]:
    """The progress as names and values."""
    return [
        ("In-flight task", f"still alive: {progress.in_flight}" if progress.in_flight else "dead, or none was"),
        ("Compensations", f"{progress.undone} of {progress.to_undo}"),
        ("Resources left", counted(progress.left)),
    ]


def counted(left: Sequence[str]) -> str:
    """The number of resources, and their names."""
    return f"{len(left)}: {', '.join(left)}" if left else "none"
