"""Take one item into the library, by the way that every upload takes. Each step is one transaction and may be repeated."""

from pathlib import Path, PurePosixPath
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError
from printfarm.core.owed import owe, settle
from printfarm.core.storage import storage, storage_key
from printfarm.core.work import unit_of_work
from printfarm.files import extraction, quota
from printfarm.files import service as files
from printfarm.files.models import Upload
from printfarm.files.readers import UnreadableFile
from printfarm.files.receiving import SCRATCH, drafts_folder, limit_bytes
from printfarm.files.service import Received
from printfarm.library import guesses, image_work, intake, queries
from printfarm.library import service as library
from printfarm.library.importing import filaments, service
from printfarm.library.importing.looking import copy_out
from printfarm.library.importing.models import Import, ImportItem
from printfarm.library.importing.plan import plan_of
from printfarm.library.importing.sources import Source
from printfarm.library.models import Model
from printfarm.library.service import ModelFacts

MOST_STEPS = 8
IN_SHOP = "This shop has the same file already."


def take(shop_id: UUID, import_id: UUID, item: ImportItem, source: Source, runner_id: UUID) -> None:
    """Until the item is through. Raises NotMine, and OverQuota when the shop has no more room."""
    work = _Taking(shop_id, import_id, item.id, source, runner_id)
    if item.kind == "picture":
        work.take_picture(item)
        return
    for _step in range(MOST_STEPS):
        if work.step():
            return


class _Taking:
    def __init__(self, shop_id: UUID, import_id: UUID, item_id: UUID, source: Source, runner_id: UUID) -> None:
        self.shop_id, self.import_id, self.item_id = shop_id, import_id, item_id
        self.source, self.runner_id = source, runner_id

    def step(self) -> bool:
        """One step on; True when the item is through."""
        with unit_of_work(self.shop_id) as db:
            held, item = self._hold(db)
            if item.state != "working":
                return True
            upload = self._upload(db, held, item)
            if upload.state not in {"receiving", "received", "reading"}:
                self._end(db, held, item, upload)
                return True
        if upload.state == "receiving":
            return self._bring(item, upload.id)
        extraction.read_upload(self.shop_id, upload.id)
        return False

    def take_picture(self, item: ImportItem) -> None:
        """Into the storage first, under an id that a second try has too; a worker writes it anew."""
        image_id = uuid5(item.id, "image")
        draft = self._draft(image_id)
        try:
            copy_out(self.source, item.place, draft, image_work.LARGEST_BYTES, self._tick)
            storage().put_file(storage_key(self.shop_id, "incoming", image_id), draft, move=True)
        except UnreadableFile as refusal:
            self._refuse(refusal.sentence)
            return
        finally:
            draft.unlink(missing_ok=True)
        with unit_of_work(self.shop_id) as db:
            held, item = self._hold(db)
            if item.state == "working":
                self._add_picture(db, held, item, image_id)

    def _hold(self, db: Session) -> tuple[Import, ImportItem]:
        held = service.hold(db, self.import_id, self.runner_id)
        return held, db.get_one(ImportItem, self.item_id)

    def _upload(self, db: Session, held: Import, item: ImportItem) -> Upload:
        if item.upload_id is not None:
            return files.find_upload(db, item.upload_id)
        name = PurePosixPath(item.path).name
        upload = files.begin_upload(
            db, name=name, declared_bytes=item.size_bytes, user_id=held.user_id, relative_path=item.path
        )
        item.upload_id = upload.id
        return upload

    def _bring(self, item: ImportItem, upload_id: UUID) -> bool:
        """Its bytes into the storage; True when that ends it."""
        draft = self._draft(upload_id)
        try:
            received = copy_out(self.source, item.place, draft, limit_bytes(), self._tick)
            if received.sha256 == item.sha256:
                storage().put_file(storage_key(self.shop_id, "sliced", upload_id), draft, move=True)
        except UnreadableFile as refusal:
            self._refuse(refusal.sentence)
            return True
        finally:
            draft.unlink(missing_ok=True)
        return self._keep(upload_id, received)

    def _keep(self, upload_id: UUID, received: Received) -> bool:
        try:
            with unit_of_work(self.shop_id) as db:
                _held, item = self._hold(db)
                if received.sha256 != item.sha256:
                    files.discard_upload(db, upload_id)
                    service.look_again(db, item)
                    return True
                files.keep_file(db, upload_id, received, hurry=False)
        except quota.OverQuota:
            with unit_of_work(self.shop_id) as db:
                files.discard_upload(db, upload_id)
                _held, item = self._hold(db)
                item.state, item.upload_id, item.attempts = "ready", None, 0
            raise
        return False

    def _end(self, db: Session, held: Import, item: ImportItem, upload: Upload) -> None:
        if upload.state == "needs-answer":
            self._answer(db, held, item, upload)
        elif upload.state == "done":  # a person was faster
            item.state, item.variant_id = "done", upload.variant_id
            service.progressed(db, item)
        elif upload.state == "duplicate":
            service.leave_out(db, item, IN_SHOP)
        else:
            service.refuse(db, item, upload.error or "The upload of this file was removed.")
            if upload.state == "failed":
                files.discard_upload(db, upload.id)

    def _answer(self, db: Session, held: Import, item: ImportItem, upload: Upload) -> None:
        """A variant of it, and of its model's folder a model when there is none yet: all or nothing."""
        extracted = upload.extracted or {}
        model = self._model_item(db, item)
        wanted = guesses.wanted_filaments(extracted)
        try:
            with db.begin_nested():
                answer = intake.Answer(
                    model_id=existing_model(db, model),
                    model=_facts(model, extracted),
                    variant_name=item.name,
                    slots=filaments.answers(db, plan_of(held.plan), wanted),
                )
                variant = intake.add_variant(db, upload, answer)
        except DomainError as refusal:
            service.refuse(db, item, refusal.sentence)
            return
        item.state, item.variant_id, item.model_id, item.sentence = "done", variant.id, variant.model_id, None
        model.model_id, model.state = variant.model_id, "done"
        service.progressed(db, item)

    def _add_picture(self, db: Session, _held: Import, item: ImportItem, image_id: UUID) -> None:
        model_id = existing_model(db, self._model_item(db, item))
        try:
            with db.begin_nested():
                if model_id is None:
                    raise DomainError("No file of this folder became a variant, so there is no model for its picture.")
                library.add_image(db, model_id, image_id, PurePosixPath(item.path).name)
        except DomainError as refusal:
            owe(db, files.FORGET, image_id)
            service.refuse(db, item, refusal.sentence)
            return
        settle(db, files.FORGET, image_id)  # owed when an earlier try was refused; the id is the same
        item.state, item.image_id, item.model_id = "done", image_id, model_id
        service.progressed(db, item)

    def _model_item(self, db: Session, item: ImportItem) -> ImportItem:
        assert item.model_item_id is not None
        return db.get_one(ImportItem, item.model_item_id)

    def _refuse(self, sentence: str) -> None:
        with unit_of_work(self.shop_id) as db:
            _held, item = self._hold(db)
            if item.upload_id is not None:
                files.discard_upload(db, item.upload_id)
            service.refuse(db, item, sentence)

    def _tick(self) -> None:
        with unit_of_work(self.shop_id) as db:
            service.hold(db, self.import_id, self.runner_id)

    def _draft(self, own_id: UUID) -> Path:
        """Named so that what a killed process leaves is swept."""
        return drafts_folder() / f"{SCRATCH}{self.runner_id}-{own_id}.part"


def existing_model(db: Session, model: ImportItem) -> UUID | None:
    """The model that it became, or the shop's model of that name."""
    if model.model_id is not None:
        return model.model_id
    known: Model | None = queries.model_named(db, model.name)
    return known.id if known else None


def _facts(model: ImportItem, extracted: dict[str, object]) -> ModelFacts:
    """What the plan says, else what the file says of itself."""
    said = model.facts or {}
    return ModelFacts(
        name=model.name,
        designer=str(said.get("designer") or extracted.get("designer") or "")[:300],
        description=guesses.description(extracted),
        category=str(said.get("category") or "other"),
        licence=str(said.get("licence") or extracted.get("licence") or "")[:300],
        source_url=str(said.get("source") or ""),
        tags=list(said.get("tags") or ()),
    )
