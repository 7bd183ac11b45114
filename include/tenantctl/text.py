"""Text for terminals: escapes control characters, formats times and durations. Pure."""

import unicodedata
from datetime import UTC, datetime
from typing import Final

# Joiners shape Persian and Indic words and emoji. They do not move the cursor.
_JOINERS: Final = frozenset("\u200c\u200d")
_DANGEROUS: Final = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


def escape_controls(value: object, *, keep_lines: bool = False) -> str:
    """The text with control, direction and unassigned characters spelled out, such as `\\x1b`.

    Names and errors come from outside. Unescaped, they could colour, move or overwrite our own output.
    """
    text = str(value).replace("\r\n", "\n") if keep_lines else str(value)
    return "".join(_spelled(character, keep_lines=keep_lines) for character in text)


def _spelled(character: str, *, keep_lines: bool) -> str:
    if keep_lines and character == "\n":
        return character
    if character in _JOINERS or unicodedata.category(character) not in _DANGEROUS:
        return character
    return character.encode("unicode_escape").decode("ascii")


def is_text(value: str) -> bool:
    """Can it be sent as UTF-8?"""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def one_line(text: str) -> str:
    """The text without line breaks: PostgreSQL puts its CONTEXT on a separate line."""
    return " ".join(text.split())


def format_duration(seconds: float | None) -> str:
    """`4.2 s`, `3:07 min`, `2 h 5 min`, `3 d 4 h`; `-` for none."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{max(seconds, 0.0):.1f} s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if minutes < 60:
        return f"{minutes}:{int(seconds % 60):02d} min"
    return f"{hours} h {minutes % 60} min" if days == 0 else f"{days} d {hours % 24} h"


def format_time(value: object) -> str:
    """A time of the API as UTC to the second, `2026-11-22 03:04:05Z`. Other text stays as it is."""
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return (read.astimezone(UTC) if read.tzinfo else read).strftime("%Y-%m-%d %H:%M:%SZ")


def duration_in_words(seconds: float) -> str:
    """A duration in words: `2 minutes`, `90 seconds`."""
    whole = max(1, round(seconds))
    if whole % 60 == 0:
        return _counted(whole // 60, "minute")
    return _counted(whole, "second")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def as_sentence(words: str) -> str:
    """The text with a full stop, so that another sentence can follow."""
    stripped = words.strip()
    return stripped if not stripped or stripped[-1] in ".!?" else f"{stripped}."
