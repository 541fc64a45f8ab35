"""A form with one file that is read as it comes: the form's token first, then the bytes, counted, into a draft on the disk."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError
from printfarm.core.storage import storage
from printfarm.core.work import unit_of_work
from printfarm.files.multipart import FieldPart, read_parts, skip
from printfarm.files.views.blueprint import check_csrf


class NotTaken(DomainError):
    """What was sent is not what the form sends, too large, or nothing."""

    status = 422


@dataclass
class Sent:
    """What stood in the fields before the file; and the file, as long as it is looked at (`draft` is None without one)."""

    fields: dict[str, str] = field(default_factory=dict)
    name: str = ""
    draft: Path | None = None


@contextmanager
def sent_file(most_bytes: int) -> Iterator[Sent]:
    """Raises NotTaken, and CSRFError before a byte of the file is kept."""
    boundary = request.mimetype_params.get("boundary")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise NotTaken("This address takes what the form sends.")
    request.max_content_length = sys.maxsize  # the bytes of the file are counted as they come
    sent = Sent()
    for part in read_parts(request.stream, boundary):
        if isinstance(part, FieldPart):
            sent.fields[part.name] = part.value
        elif part.name == "file" and part.file_name:
            _check_token(sent)
            sent.name = "".join(sign for sign in part.file_name if sign.isprintable())
            with _draft_of(part.chunks, most_bytes) as sent.draft:
                yield sent
            return
    _check_token(sent)
    yield sent


def skip_the_rest(most_bytes: int) -> None:
    """After a refusal: let the browser finish, so that it reads why."""
    skip(request.stream, 2 * most_bytes)


def keep_file(shop_id: UUID, draft: Path, key: str, begin: Callable[[Session], UUID]) -> UUID:
    """Keep a draft and note in one transaction what is to become of it; neither without the other."""
    storage().put_file(key, draft)
    try:
        with unit_of_work(shop_id) as db:
            return begin(db)
    except BaseException:
        storage().delete(key)
        raise


def _check_token(sent: Sent) -> None:
    check_csrf(sent.fields.get("csrf_token", request.headers.get("X-CSRFToken")))


@contextmanager
def _draft_of(chunks: Iterable[bytes], most_bytes: int) -> Iterator[Path]:
    handle, draft = tempfile.mkstemp(prefix="printfarm-sent-")
    try:
        size = 0
        with os.fdopen(handle, "wb") as out:
            for chunk in chunks:
                size += len(chunk)
                if size > most_bytes:
                    raise NotTaken(f"The file is larger than {most_bytes // 1_000_000} MB.")
                out.write(chunk)
        if not size:
            raise NotTaken("The file is empty.")
        yield Path(draft)
    finally:
        Path(draft).unlink(missing_ok=True)
