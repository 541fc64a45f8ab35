"""Tags: words that people hang on models, in small letters."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError
from printfarm.library.models import ModelTag

MOST_TAGS, LONGEST_TAG = 20, 40


def tags_in(text: str) -> list[str]:
    """The tags of what somebody typed, parted by commas; each once, in the order typed, without the # that some write."""
    words = (" ".join(part.casefold().replace("#", " ").split()) for part in text.replace(";", ",").split(","))
    return list(dict.fromkeys(word for word in words if word))


def set_tags(db: Session, model_id: UUID, tags: Sequence[str]) -> None:
    """These tags and no others. Refuses more than a model can carry."""
    if len(tags) > MOST_TAGS:
        raise DomainError(f"A model carries {MOST_TAGS} tags at most. Take some away.")
    if any(len(tag) > LONGEST_TAG for tag in tags):
        raise DomainError(f"A tag has {LONGEST_TAG} letters at most. Commas part one tag from the next.")
    known = set(db.scalars(select(ModelTag.tag).where(ModelTag.model_id == model_id)))
    if gone := known - set(tags):
        db.execute(delete(ModelTag).where(ModelTag.model_id == model_id, ModelTag.tag.in_(gone)))
    db.add_all(ModelTag(model_id=model_id, tag=tag) for tag in tags if tag not in known)
    db.flush()
