"""The node's certificates: one authority, short names, elliptic-curve keys, kept between starts.

Every file is readable by its owner alone. A certificate is made again when it ends soon or when it should say
something else; the authority only when it ends soon, and then everything with it.
"""

import base64
import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.node.files import write, write_yaml

LIFETIME = dt.timedelta(days=365)
RENEW_BEFORE = dt.timedelta(days=30)


@dataclass(frozen=True)
class Identity:
    """A certificate and its key: who the API server takes its holder for, and the addresses it may serve at."""

    certificate: Path
    key: Path


class Pki:
    """The authority in `directory` and what it has signed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.authority = self._pair("ca")
        if not _good(self.authority, None, ()):
            self._sign(self.authority, "pulumi-mlops-node", (), (), authority=True)

    def identity(self, name: str, user: str, groups: Sequence[str] = (), hosts: Sequence[str] = ()) -> Identity:
        """The certificate `name` for a user of the API server, and for a server at `hosts` (names or addresses)."""
        pair = self._pair(name)
        if not _good(pair, self.authority.certificate, hosts):
            self._sign(pair, user, groups, hosts)
        return pair

    def signing_key(self, name: str) -> tuple[Path, Path]:
        """A private key and its public half, for service-account tokens."""
        private, public = self.directory / f"{name}.key", self.directory / f"{name}.pub"
        if not (private.exists() and public.exists()):
            key = ec.generate_private_key(ec.SECP256R1())
            write(private, _pem(key))
            kind = serialization.PublicFormat.SubjectPublicKeyInfo
            write(public, key.public_key().public_bytes(serialization.Encoding.PEM, kind))
        return private, public

    def kubeconfig(self, place: Path, server: str, identity: Identity) -> Path:
        """Writes a self-contained kubeconfig for the identity and returns its path."""

        def encoded(file: Path) -> str:
            return base64.b64encode(file.read_bytes()).decode()

        cluster = {"server": server, "certificate-authority-data": encoded(self.authority.certificate)}
        user = {
            "client-certificate-data": encoded(identity.certificate),
            "client-key-data": encoded(identity.key),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "local", "cluster": cluster}],
            "users": [{"name": "local", "user": user}],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
            "current-context": "local",
        }
        return write_yaml(place, config)

    def _pair(self, name: str) -> Identity:
        return Identity(self.directory / f"{name}.crt", self.directory / f"{name}.key")

    def _sign(
        self, pair: Identity, user: str, groups: Sequence[str], hosts: Sequence[str], *, authority: bool = False
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
            + [x509.NameAttribute(NameOID.COMMON_NAME, user)]
        )
        now = dt.datetime.now(dt.UTC)
        usage = dict.fromkeys(
            ("content_commitment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + LIFETIME)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True, key_encipherment=True, key_cert_sign=authority, crl_sign=authority, **usage
                ),
                critical=True,
            )
        )
        if authority:
            issuer, issuer_key = subject, key
        else:
            issuer_key = cast(
                ec.EllipticCurvePrivateKey,
                serialization.load_pem_private_key(self.authority.key.read_bytes(), None),
            )
            issuer = x509.load_pem_x509_certificate(self.authority.certificate.read_bytes()).subject
            both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            builder = builder.add_extension(x509.ExtendedKeyUsage(both), critical=False)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
        certificate = builder.issuer_name(issuer).sign(issuer_key, hashes.SHA256())
        write(pair.key, _pem(key))
        write(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def _good(pair: Identity, authority: Path | None, hosts: Sequence[str]) -> bool:
    """Whether the pair exists, fits together, was signed by the authority, lasts, and names exactly these hosts."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
        key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
        if key.public_key() != certificate.public_key():
            return False
        if authority is not None:
            certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.read_bytes()))
        try:
            named = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        except x509.ExtensionNotFound:
            named = []
    except Exception:  # missing, cut off, or signed by an older authority: all mean "make it again"
        return False
    return certificate.not_valid_after_utc - dt.datetime.now(dt.UTC) > RENEW_BEFORE and named == _names(hosts)


def _names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
