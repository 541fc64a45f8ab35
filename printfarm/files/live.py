"""What open screens hear of uploads."""

from flask import Flask
from sqlalchemy.orm import Session

from printfarm.core.live import marks, shows
from printfarm.core.web import render_block
from printfarm.files.events import UploadChanged, UploadProgressed
from printfarm.files.queries import find_upload_row


def install(_app: Flask) -> None:
    """A new state may move an upload to another list, so lists fetch themselves anew."""
    marks(UploadChanged, "uploads")


@shows(UploadProgressed)
def upload_progress(db: Session, event: UploadProgressed) -> str:
    """Only the bar moves."""
    upload = find_upload_row(db, event.upload_id)
    if upload is None:
        return ""
    return render_block("files/_progress.html", "upload_progress", upload=upload, pushed=True)
