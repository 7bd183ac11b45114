"""Which local programs stand for images: `sandbox.toml` beside each `product.toml` says it.

`up` joins all of them into one file, which the cluster reads whenever a container starts. So a product's container
activities and migration Jobs run on a laptop without a container engine.
"""

import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from sandbox import json_files
from sandbox.layout import Layout
from sandbox.problems import SandboxError

FILE: Final = "sandbox.toml"
_PYTHON: Final = frozenset({"python", "python3"})


def write_programs(layout: Layout, products: Path) -> None:
    """Write the programs of all products in this folder. SandboxError names the file and key that is wrong."""
    programs: dict[str, list[str]] = {}
    for file in sorted(products.glob(f"*/{FILE}")):
        for image, command in programs_in(file).items():
            if programs.setdefault(image, command) != command:
                raise SandboxError(f"{file}: images: another product has another program for {image!r}; keep one.")
    layout.cluster.mkdir(mode=0o700, parents=True, exist_ok=True)
    json_files.write(layout.programs, programs)


def programs_in(file: Path) -> dict[str, list[str]]:
    """Image -> command, of one sandbox.toml. SandboxError names the key that is wrong."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SandboxError(f"{file} cannot be read: {error}.") from error
    images = document.pop("images", {})
    if document:
        raise SandboxError(f"{file}: unknown key {next(iter(document))} (there is: images).")
    if not isinstance(images, dict):
        raise SandboxError(f"{file}: images must be a table of image = command.")
    return {image: _command(file, image, command) for image, command in images.items()}


def _command(file: Path, image: str, command: Any) -> list[str]:
    """The command with absolute paths: a word that names a file of the product's folder is that file."""
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise SandboxError(f'{file}: images: {image!r} must be a list of texts, such as ["python", "program.py"].')
    first = sys.executable if command[0] in _PYTHON else command[0]
    home = file.parent.resolve()
    return [str(home / word) if (home / word).is_file() else word for word in (first, *command[1:])]
