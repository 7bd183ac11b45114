"""Which local program stands for which image: a JSON object, image -> command, in a file that may change."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

Commands = Mapping[str, Sequence[str]]


class ProgramFile:
    """Read whenever a container starts. A missing file has no programs; ValueError when it is not what it should be."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> Commands:
        try:
            document = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return NO_PROGRAMS
        if not isinstance(document, dict) or not all(map(_is_command, document.values())):
            raise ValueError(f"{self._file} must be an object of image -> list of texts")
        return document


def _is_command(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)


NO_PROGRAMS: Final[Commands] = {}
