"""The shape of what browsers send besides the file itself."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as NotInShape


class DirectUpload(BaseModel):
    """A browser describes the file that it is about to put into the storage itself. `size` in bytes."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str = Field(min_length=1, max_length=1000)
    size: int = Field(ge=0)
    type: str = Field(default="", max_length=200)

    @classmethod
    def of(cls, sent: Any) -> Self | None:
        """The description, or None when it has another shape."""
        try:
            return cls.model_validate(sent)
        except NotInShape:
            return None
