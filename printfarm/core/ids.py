"""Identifiers: UUIDv7 for rows (they sort by time, so indexes stay compact), short codes for people."""

import re
import secrets
from uuid import UUID

import uuid_utils

# Without 0/O, 1/I/L and U: read aloud across a shop floor, typed on a phone.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

# A code on a label names one thing in its shop: its length says which kind, so the two never meet.
SPOOL_CODE, PRINTER_CODE = 6, 5


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562): 48 bits of Unix milliseconds, then random bits."""
    return UUID(int=uuid_utils.uuid7().int)


def new_code(length: int = 6) -> str:
    """A short random code of unambiguous capitals and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_printer_code() -> str:
    """The code on a printer's label."""
    return new_code(PRINTER_CODE)


def typed_code(text: str) -> str | None:
    """A label's code as people type it (lower case, spaces, dashes) in the form it is stored, or None for anything else."""
    code = re.sub(r"[\s\u2010-\u2015-]", "", text).upper()
    return code if len(code) in {SPOOL_CODE, PRINTER_CODE} and set(code) <= set(_ALPHABET) else None
