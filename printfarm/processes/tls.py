"""The certificate of the web process: the owner's files, or a self-signed one that is made here."""

import ipaddress
import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from printfarm.config import EVERYWHERE, Settings
from printfarm.processes.lock import take_lock

VALID_DAYS = 820  # phones refuse server certificates that are valid for more than 825 days
RENEW_DAYS = 30
SYSTEM_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem")


def certificate_files(settings: Settings) -> tuple[Path, Path]:
    """Certificate and key; a self-signed pair is made when there is none, or when it ends soon or names other hosts."""
    if settings.tls == "files":
        assert settings.tls_cert is not None
        assert settings.tls_key is not None
        return settings.tls_cert, settings.tls_key
    folder = settings.data_dir / "tls"
    cert, key = folder / "cert.pem", folder / "key.pem"
    names = _names(settings)
    with take_lock(settings.data_dir, "certificate", wait_s=10):  # web and hub ask at the same moment
        if not (cert.exists() and key.exists() and _still_good(cert, names)):
            _make(cert, key, names)
    return cert, key


def trusted_certificates(settings: Settings) -> Path:
    """A file with the certificates that this system trusts, and our own: for the built-in hub."""
    certificate, _ = certificate_files(settings)
    known = ssl.get_default_verify_paths()
    bundles = [Path(name) for name in (known.cafile, known.openssl_cafile, *SYSTEM_BUNDLES) if name]
    parts = [bundle.read_bytes() for bundle in bundles if bundle.exists()][:1]
    path = settings.data_dir / "tls" / "trusted.pem"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(path, b"\n".join([*parts, certificate.read_bytes()]), 0o644)
    return path


def _names(settings: Settings) -> list[str]:
    names = ["localhost", "127.0.0.1", "::1", socket.gethostname()]
    if settings.public_url:
        names.append(urlsplit(settings.public_url).hostname or "")
    if settings.host not in EVERYWHERE:
        names.append(settings.host)
    return list(dict.fromkeys(name for name in names if name))


def _still_good(path: Path, names: list[str]) -> bool:
    cert = x509.load_pem_x509_certificate(path.read_bytes())
    if cert.not_valid_after_utc < datetime.now(UTC) + timedelta(days=RENEW_DAYS):
        return False
    known = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(map(_general_name, names)) <= set(known)


def _make(cert_path: Path, key_path: Path, names: list[str]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "PrintFarm")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    cert_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(key_path, secret, 0o600)
    _write(cert_path, cert.public_bytes(serialization.Encoding.PEM), 0o644)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes, mode: int) -> None:
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
