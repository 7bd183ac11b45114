"""Which product an attempt begins with, as it is recorded: name, version, and digests of its files.

A version is for its author to count, who may forget it; a digest tells whether two attempts had the same files.
"""

import hashlib
from pathlib import Path
from typing import Final

from tenancy.adapters.product_error import product_error
from tenancy.saga.attempt_values import ProductVersion
from tenancy.saga.product import OciChart, Product

_LENGTH: Final = 40
"""Characters, as of the digest of a release (adapters/helm.py)."""


def product_version(product: Product) -> ProductVersion:
    """What an attempt that begins now records."""
    try:
        digests = [_digest(each, product.folder) for each in (product.chart, product.values)]
    except OSError as error:
        raise product_error(product.folder, [f"{error.filename}: cannot be read: {error.strerror}"]) from error
    return ProductVersion(product.name, product.version, *digests)


def _digest(path: Path | OciChart | None, home: Path) -> str:
    """Of the names and the contents of the files at this path, or the registry's; empty without a path."""
    if path is None:
        return ""
    if isinstance(path, OciChart):
        return path.digest.removeprefix("sha256:")[:_LENGTH]
    made_from = hashlib.sha256()
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    for file in files:
        content = file.read_bytes()
        made_from.update(f"{file.relative_to(home)}\0{len(content)}\0".encode())
        made_from.update(content)
    return made_from.hexdigest()[:_LENGTH]
