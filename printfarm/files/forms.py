"""The shape of what browsers send besides the file itself."""

import hashlib
import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as NotInShape


class OfferedFile(BaseModel):
    """A browser describes a file that it is about to send. `size` in bytes, `modified` in milliseconds since 1970."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str = Field(min_length=1, max_length=1000)
    size: int = Field(ge=0, le=2**53)
    modified: int = Field(default=0, ge=-(2**53), le=2**53)
    path: str = Field(default="", max_length=4000)

    @classmethod
    def of(cls, sent: Any) -> Self | None:
        """The description, or None when it has another shape."""
        try:
            return cls.model_validate(sent)
        except NotInShape:
            return None

    @property
    def fingerprint(self) -> str:
        """By which the same file is known when it is dropped again: its bytes are not here yet to tell."""
        told = [self.path or self.name, self.size, self.modified]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()
