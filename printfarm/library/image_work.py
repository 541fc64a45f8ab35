"""Pictures of models on their way: taken in by the web, written anew by a worker. No transaction is open while it is slow."""

import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from werkzeug.datastructures import FileStorage

from printfarm.core.ids import new_id
from printfarm.core.storage import storage, storage_key
from printfarm.core.work import unit_of_work
from printfarm.files.names import plain_name
from printfarm.files.picture_sizes import SIDES_PX
from printfarm.files.receiving import SCRATCH, drafts_folder
from printfarm.library import service
from printfarm.library.image_kinds import DAMAGED, NO_PICTURE, TOO_MANY_PIXELS, why_not
from printfarm.library.service import PreparedImage

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
LARGEST_BYTES, MOST_AT_ONCE = 20_000_000, 12
WALL_S, HEAD_BYTES = 30, 4096


def take_in(shop_id: UUID, pictures: Sequence[FileStorage]) -> tuple[list[tuple[UUID, str]], list[str]]:
    """Put what may be pictures into the storage: (id, name) of each; and a sentence for each that is refused at once."""
    taken: list[tuple[UUID, str]] = []
    refused: list[str] = []
    for picture in pictures:
        name = plain_name(picture.filename or "")
        with tempfile.TemporaryDirectory(dir=drafts_folder(), prefix=SCRATCH) as folder:
            path = Path(folder, "picture")
            picture.save(path)
            problem = _problem(path)
            if problem is not None:
                refused.append(f"{name}: {problem}")
                continue
            image_id = new_id()
            storage().put_file(storage_key(shop_id, "incoming", image_id), path)
            taken.append((image_id, name))
    return taken, refused


def prepare_image(shop_id: UUID, image_id: UUID) -> None:
    """Write a picture anew in every size. May run twice, and again after a crash."""
    with unit_of_work(shop_id) as db:
        image = service.start_preparing(db, image_id)
    if image is None:
        return
    key = storage_key(shop_id, "incoming", image_id)
    try:
        with (
            storage().local_copy(key) as path,
            tempfile.TemporaryDirectory(dir=drafts_folder(), prefix=SCRATCH) as scratch,
        ):
            answer = _write_anew(path, Path(scratch))
            if isinstance(answer, str):
                _refuse(shop_id, image_id, answer)
                return
            for kind in SIDES_PX:
                storage().put_file(storage_key(shop_id, kind, image_id), Path(scratch, f"{kind}.webp"))
            content = Path(scratch, "picture.webp").read_bytes()
    except FileNotFoundError:
        _refuse(shop_id, image_id, "The picture is no longer in the storage. Add it again.")
        return
    with unit_of_work(shop_id) as db:
        service.finish_image(db, image_id, PreparedImage(hashlib.sha256(content).hexdigest(), len(content), *answer))
    storage().delete(key)


def _problem(path: Path) -> str | None:
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        return f"This picture is larger than {LARGEST_BYTES // 1_000_000} MB. Save it smaller, then add it again."
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return why_not(head) if head else "This file is empty."


def _write_anew(path: Path, scratch: Path) -> tuple[int, int] | str:
    """Width and height, or a sentence."""
    try:
        ended = subprocess.run(  # noqa: S603  # our own interpreter and module; both paths are ours
            [sys.executable, "-m", "printfarm.library.image_child", str(path), str(scratch)],
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=WALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return TOO_MANY_PIXELS
    if ended.returncode != 0:
        log.warning(
            "a picture's writer ended with %s: %s", ended.returncode, ended.stderr[-2000:].decode(errors="replace")
        )
        return DAMAGED
    answer = json.loads(Path(scratch, "answer.json").read_text(encoding="utf-8"))
    if "error" in answer:
        return str(answer["error"] or NO_PICTURE)
    return int(answer["width"]), int(answer["height"])


def _refuse(shop_id: UUID, image_id: UUID, sentence: str) -> None:
    with unit_of_work(shop_id) as db:
        service.refuse_image(db, image_id, sentence)
