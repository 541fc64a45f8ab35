"""What a printer looks at between an accepted start and the first movement."""

from typing import TYPE_CHECKING

from hub.simulators.bambu.ams import EXTERNAL, NOTHING
from hub.simulators.bambu.codes import (
    BAD_AMS_MAPPING,
    BAD_EXTERNAL_MAPPING,
    NO_CARD,
    NO_SPACE,
    OTHER_MODEL,
    PARSE_ERROR,
)
from hub.simulators.bambu.job import PrintJob, plan_segments
from hub.simulators.bambu.sliced_file import PlateFacts, UnreadableFileError, read_plate

if TYPE_CHECKING:
    from hub.simulators.bambu.core import PrinterCore


def check(core: "PrinterCore", job: PrintJob) -> int:
    """Fill in the job's facts and segments; 0, or the print_error with which this start ends."""
    if not core.store.has_card:
        return NO_CARD
    if core.faults.is_on("B17") or core.store.free_bytes() == 0:
        return NO_SPACE
    if core.faults.is_on("B25"):
        return PARSE_ERROR
    try:
        facts = job.facts or _read(core, job)
    except UnreadableFileError as error:
        core.note("start refused", str(error))
        return error.code
    if core.checks_model and facts.printer_model_id not in {"", core.profile.project}:
        return OTHER_MODEL
    job.facts = facts
    job.segments = plan_segments(facts, job.request)
    return _check_mapping(core, job)


def file_bytes(core: "PrinterCore", job: PrintJob) -> int:
    """Size of the uploaded file, 0 for a job that has none."""
    path = core.store.locate(job.url, job.file)
    return path.stat().st_size if path is not None and path.is_file() else 0


def _read(core: "PrinterCore", job: PrintJob) -> PlateFacts:
    path = core.store.locate(job.url, job.file)
    if path is None:
        raise UnreadableFileError(PARSE_ERROR, "The start command names no file on this card.")
    return read_plate(path, job.entry, str(job.request.get("md5") or ""))


def _check_mapping(core: "PrinterCore", job: PrintJob) -> int:
    """A mapping may not name the external spool by number, nor an empty slot."""
    mapping = job.request.get("ams_mapping")
    if not job.request.get("use_ams") or not isinstance(mapping, list):
        return 0
    if not core.ams.units:
        return BAD_EXTERNAL_MAPPING
    if EXTERNAL in mapping or NOTHING in mapping:
        return BAD_AMS_MAPPING
    empty = any(segment.tray != EXTERNAL and core.ams.spool(segment.tray) is None for segment in job.segments)
    return BAD_AMS_MAPPING if empty else 0
