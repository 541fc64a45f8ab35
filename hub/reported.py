"""What printers say of the rolls in them, as far as it can be: the rest is not known, and no reason to refuse a message.

They say that -1 or 1000 per cent remain when a roll is taken out, and a chip that was not read is all zeros.
"""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

TAG = re.compile(r"[0-9A-F]{8,64}")


def percent_in(value: object) -> int | None:
    """The remainder in what a printer says; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100 else None


def tag_in(value: object) -> str | None:
    """What a chip calls its roll, upper-case hex; None for anything that names no roll (nothing, or all zeros)."""
    text = value.strip().upper() if isinstance(value, str) else ""
    return text if TAG.fullmatch(text) and set(text) not in ({"0"}, {"F"}) else None


RemainPercent = Annotated[Annotated[int, Field(ge=0, le=100)] | None, BeforeValidator(percent_in)]
Tag = Annotated[str | None, BeforeValidator(tag_in)]
