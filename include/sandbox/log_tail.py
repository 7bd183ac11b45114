"""The end of a log, short enough for a message, and advice for known errors."""

from pathlib import Path


def last_lines(log: Path, count: int, *, within_bytes: int = 20_000) -> str:
    """The last `count` lines that are not blank, joined; a hint when there are none."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - within_bytes))
            text = file.read().decode(errors="replace")
    except OSError:
        return "it left no log"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-count:]) or "its log is empty"


def advice(complaint: str) -> str:
    """What to do about a known error; empty for the others."""
    if "ddress already in use" in complaint:
        return " Another program took the port meanwhile: run `up` again, it chooses another one."
    if "No space left on device" in complaint:
        return " Free some space on that disk and run `up` again."
    return ""
