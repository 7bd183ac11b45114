"""Writes a new product's folder: a small product that passes the check, with comments on what to change."""

import re
import shutil
from pathlib import Path
from typing import Final

from tenancy.adapters.product_file import PRODUCT_FILE
from tenancy.saga.errors import Refused
from tenancy.saga.platform_values import NAME

_FILES: Final = Path(__file__).with_name("starting_point")
_NAME: Final = "my-product"
"""The name in the files; it becomes that of the folder."""


def write_starting_point(folder: Path) -> Path:
    """The written `product.toml`. Refused when the folder has files already, or its name cannot be a product's."""
    name = folder.resolve().name
    if not NAME.fullmatch(name):
        raise Refused(f"{name} cannot be a product's name: use lower-case letters, digits and hyphens, 40 at most.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} exists and is not empty. Nothing was written.")
    shutil.copytree(_FILES, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (folder / PRODUCT_FILE, folder / "chart" / "Chart.yaml"):
        file.write_text(re.sub(rf"\b{_NAME}\b", name, file.read_text(encoding="utf-8")), encoding="utf-8")
    return folder / PRODUCT_FILE
