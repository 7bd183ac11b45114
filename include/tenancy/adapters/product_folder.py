"""The folder of products: each folder in it that has a `product.toml` is one. Products are loaded one by one, when they
are used (saga/products.py)."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tenancy.adapters.product_file import PRODUCT_FILE, PlanProblems, load_containers, load_product
from tenancy.saga.errors import ProductFileError
from tenancy.saga.product import ContainerSpec, Product


@dataclass(frozen=True)
class ProductFolder:
    """The products in `home`. `chosen` is the default one's name; empty if none was chosen."""

    home: Path
    chosen: str
    plan_problems: PlanProblems

    @property
    def default_name(self) -> str:
        """The chosen one, else the only one there is."""
        names = self.names()
        if self.chosen and self.chosen not in names:
            raise ProductFileError(
                f"TENANCY_PRODUCT names {self.chosen}, which {self.home} does not have (there are: {_listed(names)})."
            )
        if not self.chosen and len(names) != 1:
            raise ProductFileError(
                f"{self.home} must have one product, each a folder with a {PRODUCT_FILE}, or TENANCY_PRODUCT must name "
                f"the default one (there are: {_listed(names)})."
            )
        return self.chosen or names[0]

    def names(self) -> tuple[str, ...]:
        """The folders with a `product.toml`, whether it has mistakes or not."""
        if not self.home.is_dir():
            raise ProductFileError(
                f"There is no folder {self.home}: set TENANCY_PRODUCTS to the folder of your products."
            )
        return tuple(sorted(file.parent.name for file in self.home.glob(f"*/{PRODUCT_FILE}")))

    def named(self, name: str) -> Product:
        """Read once in a process, and again when a file of its folder has changed."""
        return _load(self.folder_of(name), _version_of(self.folder_of(name)), self.plan_problems)

    def containers(self) -> tuple[list[ContainerSpec], list[str]]:
        """The container activities of all products, and what is wrong with the files that cannot be read for them."""
        specs: list[ContainerSpec] = []
        problems: list[str] = []
        for name in self.names() if self.home.is_dir() else ():
            try:
                specs += _containers(self.home / name, _version_of(self.home / name))
            except ProductFileError as error:
                problems.append(str(error))
        return specs, problems

    def folder_of(self, name: str) -> Path:
        """Where this product is."""
        if name not in self.names():
            raise ProductFileError(
                f"{self.home} has no product {name} (there are: {_listed(self.names())}), and a tenant or a request "
                "has it: put it back."
            )
        return self.home / name


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"


_Version = tuple[tuple[str, int], ...]


def _version_of(folder: Path) -> _Version:
    """When each file of the folder itself was changed: `product.toml`, and the schema of its parameters."""
    try:
        return tuple(sorted((file.name, file.stat().st_mtime_ns) for file in folder.iterdir() if file.is_file()))
    except OSError:
        return ()  # reading it names the reason


@lru_cache(maxsize=64)
def _containers(folder: Path, _version: _Version) -> tuple[ContainerSpec, ...]:
    return load_containers(folder)


@lru_cache(maxsize=64)
def _load(folder: Path, _version: _Version, plan_problems: PlanProblems) -> Product:
    return load_product(folder, plan_problems)
