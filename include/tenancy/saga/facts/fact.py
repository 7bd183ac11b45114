"""The base class of facts. The other modules of this package define one subject's facts each."""

from dataclasses import dataclass
from typing import ClassVar

from tenancy.saga.attempt_values import EXACT


@dataclass(frozen=True)
class Fact:
    """Something that happened."""

    kind: ClassVar[str] = ""
    __pydantic_config__: ClassVar = EXACT
