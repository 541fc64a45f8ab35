"""Pictures of a model: those that people give it, beside the pictures of its plates. One of them all is the main one.

A picture is written anew by a worker before anybody sees it; until then its bytes lie in the storage as `incoming`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.core.background import SLOW, enqueue_after_commit
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.owed import owe, settle
from printfarm.core.tenancy import shop_of
from printfarm.files.models import StoredFile
from printfarm.files.service import FORGET
from printfarm.library.events import ModelImagesChanged
from printfarm.library.models import Model, ModelImage
from printfarm.library.service.models import find_model, plate_pictures

PREPARE = "prepare-image"
MOST_IMAGES = 24
ALIVE_S, ATTEMPTS = 60, 3


@dataclass(frozen=True)
class PreparedImage:
    """What the worker wrote into the storage."""

    sha256: str
    size_bytes: int
    width_px: int
    height_px: int


def images_of(db: Session, model_id: UUID) -> list[ModelImage]:
    """All of them, in their order."""
    wanted = select(ModelImage).where(ModelImage.model_id == model_id)
    return list(db.scalars(wanted.order_by(ModelImage.position, ModelImage.id)))


def find_image(db: Session, image_id: UUID) -> ModelImage:
    """Raises NotFound."""
    found = db.get(ModelImage, image_id)
    if found is None:
        raise NotFound("This picture is not here. It may have been removed.")
    return found


def images_that_wait(db: Session, ids: Collection[UUID]) -> set[UUID]:
    """Which of these pictures a worker has still to write anew; the sweep of the storage asks."""
    return set(db.scalars(select(ModelImage.id).where(ModelImage.id.in_(ids), ModelImage.state == "waiting")))


def add_image(db: Session, model_id: UUID, image_id: UUID, name: str) -> ModelImage:
    """The bytes lie in the storage under `image_id`: they are owed a worker. Refuses more than a model can carry."""
    find_model(db, model_id, lock=True)
    most, last = db.execute(
        select(func.count(), func.max(ModelImage.position)).where(ModelImage.model_id == model_id)
    ).one()
    if most >= MOST_IMAGES:
        raise DomainError(f"A model has {MOST_IMAGES} pictures at most. Remove one first.")
    position = 0 if last is None else last + 1
    image = ModelImage(id=image_id, model_id=model_id, original_name=name, position=position)
    db.add(image)
    db.flush()
    owe(db, PREPARE, image.id, within_s=ALIVE_S)
    enqueue_after_commit(db, "jobs.library.prepare_image", shop_of(db), image.id, queue=SLOW)
    _changed(db, model_id)
    return image


def start_preparing(db: Session, image_id: UUID) -> ModelImage | None:
    """A worker begins, or begins again after another died; None when there is nothing to do any more."""
    image = db.scalar(select(ModelImage).where(ModelImage.id == image_id).with_for_update())
    if image is None or image.state != "waiting":
        settle(db, PREPARE, image_id)
        return None
    image.attempts += 1
    if image.attempts > ATTEMPTS:
        refuse_image(db, image_id, "This picture could not be prepared. Save it anew as JPEG, then add it again.")
        return None
    owe(db, PREPARE, image_id, within_s=ALIVE_S)
    return image


def finish_image(db: Session, image_id: UUID, prepared: PreparedImage) -> None:
    """Its sizes lie in the storage. The first picture that a person gives a model becomes its main one."""
    settle(db, PREPARE, image_id)
    image = db.scalar(select(ModelImage).where(ModelImage.id == image_id).with_for_update())
    if image is None:
        owe(db, FORGET, image_id)  # removed in the meantime
        return
    if image.state == "done":
        return
    db.add(
        StoredFile(
            id=image.id,
            kind="picture",
            sha256=prepared.sha256,
            md5="",
            size_bytes=prepared.size_bytes,
            content_type="image/webp",
            original_name=image.original_name,
            width_px=prepared.width_px,
            height_px=prepared.height_px,
        )
    )
    db.flush()
    image.state, image.file_id, image.error = "done", image.id, None
    db.flush()
    if len([one for one in images_of(db, image.model_id) if one.state == "done"]) == 1:
        find_model(db, image.model_id).picture_id = image.file_id
    _changed(db, image.model_id)


def refuse_image(db: Session, image_id: UUID, sentence: str) -> None:
    """It cannot be shown; the sentence stays beside its name until a person removes it. Its bytes go."""
    settle(db, PREPARE, image_id)
    image = db.get(ModelImage, image_id)
    if image is not None and image.state == "done":
        return  # another worker has prepared it in the meantime
    owe(db, FORGET, image_id)
    if image is not None and image.state == "waiting":
        image.state, image.error = "failed", sentence
        _changed(db, image.model_id)


def move_image(db: Session, image_id: UUID, *, after: UUID | None) -> ModelImage:
    """To right behind another picture of the same model; None for the first place."""
    image = find_image(db, image_id)
    find_model(db, image.model_id, lock=True)
    others = [one for one in images_of(db, image.model_id) if one.id != image.id]
    ids = [one.id for one in others]
    if after is not None and after not in ids:
        raise DomainError("The pictures have changed. Look again, then move it.")
    at = 0 if after is None else ids.index(after) + 1
    for position, one in enumerate([*others[:at], image, *others[at:]]):
        one.position = position
    _changed(db, image.model_id)
    return image


def remove_image(db: Session, image_id: UUID) -> UUID:
    """Take a picture away, its bytes too; returns the model's id. When it was the main one, the next takes its place."""
    image = find_image(db, image_id)
    model = find_model(db, image.model_id, lock=True)
    file_id = image.file_id
    db.delete(image)
    db.flush()
    if file_id is not None:
        if model.picture_id == file_id:
            model.picture_id = next(iter(all_pictures(db, model.id)), None)
        db.flush()
        db.delete(db.get_one(StoredFile, file_id))
    owe(db, FORGET, image_id)
    settle(db, PREPARE, image_id)
    _changed(db, model.id)
    return model.id


def choose_picture(db: Session, model_id: UUID, file_id: UUID) -> Model:
    """Which picture stands for the model in lists. Refuses one that is not the model's."""
    model = find_model(db, model_id)
    if file_id not in all_pictures(db, model_id):
        raise DomainError("This picture is not one of the model's. Choose another.")
    model.picture_id = file_id
    _changed(db, model_id)
    return model


def all_pictures(db: Session, model_id: UUID) -> Sequence[UUID]:
    """The files that may be its main picture: what people gave it, then those of its plates."""
    own = [image.file_id for image in images_of(db, model_id) if image.file_id is not None]
    return [*own, *plate_pictures(db, model_id)]


def _changed(db: Session, model_id: UUID) -> None:
    emit(db, ModelImagesChanged(shop_id=shop_of(db), model_id=model_id))
