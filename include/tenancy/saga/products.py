"""The products of one installation, and the DAG of each.

The default product has the DAG `tenant_provisioning`, so that its id never changes when other products come; each
other one has `tenant_provisioning__<product>`.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from tenancy.saga.errors import ProductFileError
from tenancy.saga.platform_values import NAME
from tenancy.saga.product import PROVISIONING_DAG, Product

_OF_A_PRODUCT: Final = f"{PROVISIONING_DAG}__"


class Products(Protocol):
    """All products that are provisioned. Each is loaded when it is used, so a broken one breaks only itself.

    Everything here raises ProductFileError. Unwinding asks for none of it.
    """

    @property
    def default_name(self) -> str:
        """The product of a request that names none, and of attempts that recorded none."""

    def names(self) -> tuple[str, ...]:
        """In alphabetical order. A product with mistakes is among them."""

    def named(self, name: str) -> Product:
        """This product. ProductFileError lists all that is wrong with it, or says which products there are."""


def product_name(products: Products, recorded: str) -> str:
    """The recorded product's name; the default's where none was recorded (version 0.2 and before)."""
    return recorded or products.default_name


def dag_of(products: Products, name: str) -> str:
    """The id of the DAG that provisions this product."""
    return PROVISIONING_DAG if name == products.default_name else _OF_A_PRODUCT + name


def product_of_dag(products: Products, dag_id: str) -> str:
    """The name of the product that this provisioning DAG has now, whether that product is there or not."""
    return products.default_name if dag_id == PROVISIONING_DAG else dag_id.removeprefix(_OF_A_PRODUCT)


def provisioning_dags(products: Products) -> tuple[str, ...]:
    """The ids of all provisioning DAGs, the default product's first. Raises nothing: a missing folder leaves that
    one."""
    listing = listing_of(products)
    others = (name for name in listing.names if name != listing.default and NAME.fullmatch(name))
    return (PROVISIONING_DAG, *(_OF_A_PRODUCT + name for name in others))


@dataclass(frozen=True)
class Listing:
    """The names of all products; empty when the folder is missing, as is `default` when none was chosen."""

    names: tuple[str, ...] = ()
    default: str = ""


def listing_of(products: Products) -> Listing:
    """The names for people and pages. Raises nothing."""
    names: tuple[str, ...] = ()
    try:
        names = products.names()
        return Listing(names, products.default_name)
    except ProductFileError:
        return Listing(names)


def is_provisioning_dag(dag_id: str) -> bool:
    """Is it the id of a DAG that provisions a product, whether that product is still there or not?"""
    return dag_id == PROVISIONING_DAG or dag_id.startswith(_OF_A_PRODUCT)
