"""The cluster's own certificate: made once per data folder, trusted by nobody but who holds its kubeconfig.

TLS although everything is on loopback, because client-go (so Helm and kubectl) sends no bearer token over plain
HTTP. One self-signed certificate serves as server's certificate and as the CA that clients are given.
"""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster_emulator.kubeconfig import write_private

_VALID_FOR: Final = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where the two files are."""

    certificate: Path
    key: Path

    def pem(self) -> str:
        return self.certificate.read_text(encoding="ascii")

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def ensure_certificate(folder: Path) -> Certificate:
    """The certificate of this data folder; a new one when there is none."""
    made = Certificate(folder / "ca.crt", folder / "ca.key")
    if not (made.certificate.exists() and made.key.exists()):
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(made.key, _key_pem(key))
        pem = _self_signed(key).public_bytes(serialization.Encoding.PEM)
        write_private(made.certificate, pem.decode("ascii"))
    return made


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster emulator")])
    hosts = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    now, public = datetime.now(UTC), key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID_FOR)
        # All that Python 3.13's strict verification asks of a CA and of a server.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(hosts, critical=False)
        .sign(key, hashes.SHA256())
    )


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
