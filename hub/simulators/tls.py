"""Throw-away certificates shaped like the printers' own: a private authority, a leaf with CN = serial and no SAN."""

import datetime as dt
import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Leaf:
    """Where a printer's certificate chain and key lie (PEM), and the fingerprint that a client pins."""

    certificate_path: Path
    key_path: Path
    sha256: str


class Authority:
    """The "SIM CA", made on first use in its folder and found again by the next start."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.certificate_path = folder / "sim-ca.pem"
        key_path = folder / "sim-ca.key"
        if self.certificate_path.exists() and key_path.exists():
            self._certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
            self._key = _load_key(key_path)
            return
        self._key = _new_key(rsa_key=False)
        name = _name("SIM CA", organisation="Simulated Printers")
        self._certificate = (
            _certificate(name, name, self._key, days=3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        _write_key(key_path, self._key)
        self.certificate_path.write_bytes(_pem(self._certificate))

    def leaf(
        self,
        serial: str,
        *,
        common_name: str | None = None,
        expired: bool = False,
        renew: bool = False,
        rsa_key: bool = False,
    ) -> Leaf:
        """The certificate of one printer; `renew` makes another key, as a changed main board does."""
        certificate_path, key_path = self.folder / f"{serial}.pem", self.folder / f"{serial}.key"
        if renew or not (certificate_path.exists() and key_path.exists()):
            key = _new_key(rsa_key=rsa_key)
            builder = _certificate(
                _name(common_name or serial), self._certificate.subject, key, days=-1 if expired else 3650
            )
            certificate = builder.sign(self._key, hashes.SHA256())
            _write_key(key_path, key)
            certificate_path.write_bytes(_pem(certificate) + _pem(self._certificate))
        return Leaf(certificate_path, key_path, fingerprint(certificate_path))


def fingerprint(certificate_path: Path) -> str:
    """SHA-256 of the first certificate in the file (DER), lower-case hex."""
    first = x509.load_pem_x509_certificates(certificate_path.read_bytes())[0]
    return hashlib.sha256(first.public_bytes(serialization.Encoding.DER)).hexdigest()


def server_context(leaf: Leaf, *, tls13: bool = False) -> ssl.SSLContext:
    """TLS 1.2 only, as X1C and H2D speak it, unless `tls13` is asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_3 if tls13 else ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(leaf.certificate_path, leaf.key_path)
    return context


def _new_key(*, rsa_key: bool) -> PrivateKey:
    if rsa_key:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str, organisation: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organisation:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def _certificate(subject: x509.Name, issuer: x509.Name, key: PrivateKey, *, days: int) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * DAY)
        .not_valid_after(now + days * DAY)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(path: Path, key: PrivateKey) -> None:
    path.touch(mode=0o600, exist_ok=True)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _load_key(path: Path) -> PrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise TypeError(f"{path} holds a key of a kind that this simulator does not make.")
    return key
