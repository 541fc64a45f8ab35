"""What screens need to know of uploads and stored files."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.core.errors import NotFound
from printfarm.core.paging import Paged, paginate
from printfarm.files.models import StoredFile, Upload

OPEN = ("receiving", "received", "reading", "needs-answer", "failed")
ENDED = ("done", "duplicate")
PAGE_SIZE = 25


def list_uploads(db: Session, *, ended: bool = False, page: int = 1) -> Paged[Upload]:
    """Uploads that still want something (or those that are through), newest first."""
    wanted = select(Upload).where(Upload.state.in_(ENDED if ended else OPEN))
    return paginate(db, wanted.order_by(Upload.created_at.desc(), Upload.id.desc()), page, PAGE_SIZE)


def count_open(db: Session) -> int:
    """How many uploads are not through yet."""
    return db.scalar(select(func.count()).select_from(Upload).where(Upload.state.in_(OPEN))) or 0


def find_upload_row(db: Session, upload_id: UUID) -> Upload | None:
    """An upload as lists show it, or None."""
    return db.get(Upload, upload_id)


def find_file(db: Session, file_id: UUID, kind: str | None = None) -> StoredFile:
    """Raises NotFound."""
    found = db.get(StoredFile, file_id)
    if found is None or (kind is not None and found.kind != kind):
        raise NotFound("This file is not here. It may have been removed.")
    return found
