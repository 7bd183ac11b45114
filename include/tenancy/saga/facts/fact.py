"""The base of every fact. The subjects' modules beside it define them."""

from dataclasses import dataclass
from typing import ClassVar

from tenancy.saga.tenant import EXACT


@dataclass(frozen=True)
class Fact:
    """Something that happened."""

    kind: ClassVar[str] = ""
    __pydantic_config__: ClassVar = EXACT
