"""The error about a product's folder, for everything that reads one of its files."""

from collections.abc import Iterable
from pathlib import Path

from tenancy.saga.errors import ProductFileError


def product_error(folder: Path, problems: Iterable[str]) -> ProductFileError:
    """The error that names all problems, each of which begins with its file."""
    sentences = tuple(problems)
    error = ProductFileError(f"The product in {folder} is wrong: " + "; ".join(sentences) + ".")
    error.problems = sentences
    return error
