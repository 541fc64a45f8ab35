"""Secrets at rest: AES-256-GCM. What is stored names its own version; the shop and column are authenticated with it."""

import hashlib
import hmac
import os
from base64 import b32encode, urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

_VERSION = "v1."


class SecretUnreadable(RuntimeError):
    """A stored secret does not open with this installation's key."""


def derive_key(master: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose (RFC 5869), so that no key does two jobs."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"printfarm:{purpose}".encode()).derive(master)


def seal(secret: str, *, bound_to: str) -> str:
    """Encrypt a secret; it opens only with the same `bound_to` (say `<shop>:printer`)."""
    nonce = os.urandom(12)
    sealed = AESGCM(_key("secrets")).encrypt(nonce, secret.encode(), bound_to.encode())
    return _VERSION + urlsafe_b64encode(nonce + sealed).decode()


def unseal(stored: str, *, bound_to: str) -> str:
    """Decrypt what `seal` made. Raises SecretUnreadable for a wrong key, another place or a changed value."""
    try:
        raw = urlsafe_b64decode(stored.removeprefix(_VERSION))
        return AESGCM(_key("secrets")).decrypt(raw[:12], raw[12:], bound_to.encode()).decode()
    except (InvalidTag, ValueError) as problem:
        raise SecretUnreadable("this secret was stored with another key") from problem


def setup_code() -> str:
    """The code that the first visitor must know; only who reads the log does. Derived, so that nothing is stored."""
    return setup_code_from(current_app.config["MASTER_KEY"])


def setup_code_from(master: bytes) -> str:
    """The same for a process that has no application (`printfarm up`)."""
    digest = hmac.new(derive_key(master, "set-up"), b"owner", hashlib.sha256).digest()
    code = b32encode(digest).decode()[:12]
    return "-".join((code[:4], code[4:8], code[8:]))


def token_hash(token: str) -> str:
    """What the database keeps of a random token: enough to recognise it, useless to present."""
    return hashlib.sha256(token.encode()).hexdigest()


def _key(purpose: str) -> bytes:
    master: bytes = current_app.config["MASTER_KEY"]
    return derive_key(master, purpose)
