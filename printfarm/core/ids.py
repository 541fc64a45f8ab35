"""Identifiers: UUIDv7 for rows (they sort by time, so indexes stay compact), short codes for people."""

import secrets
from uuid import UUID

import uuid_utils

# Without 0/O, 1/I/L and U: read aloud across a shop floor, typed on a phone.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562): 48 bits of Unix milliseconds, then random bits."""
    return UUID(int=uuid_utils.uuid7().int)


def new_code(length: int = 6) -> str:
    """A short random code of unambiguous capitals and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
