"""Derived credentials: HMAC(key[kid], tenant id, generation, purpose). No secret is stored or passed between processes.

The ledger stores only the key's id (kid) and the generation. A process that has the keys derives the same password
again. Rotating a credential starts a new generation.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import TenantId
from tenancy.saga.tenant import Credential


@dataclass(frozen=True)
class Keyring:
    """The platform's keys by id; `current` is the one new credentials are derived with."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    def new_credential(self) -> Credential:
        """The credential for a resource that is created now."""
        return Credential(self.current, 1)

    def derive(self, tenant_id: TenantId, credential: Credential, purpose: str) -> str:
        """64 hexadecimal digits: always the same for the same arguments, unrelated for different ones."""
        key = self.keys.get(credential.kid)
        if key is None:
            raise PlatformError(
                f"The credential key {credential.kid} is not in the Airflow connection tenancy_credentials. "
                "Put the old key back (extra: key id to hexadecimal key) until its credentials are rotated.",
                cause=Cause.PLATFORM_CREDENTIALS,
            )
        message = f"{tenant_id}/{credential.generation}/{purpose}".encode()
        return hmac.new(key, message, hashlib.sha256).hexdigest()
