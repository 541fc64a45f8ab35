"""What stands on a label, and the papers that labels are printed on. Sizes in millimetres; static/css/labels.css draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

import segno
from markupsafe import Markup

from printfarm.filament.models import Spool
from printfarm.fleet.models import Printer

# Four modules of white on each side, as the standard asks (ISO/IEC 18004, 9.1).
QUIET_MODULES = 4
# Addresses that mean "this machine" to whoever opens them: on a phone, the phone itself.
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104  # nothing is bound here


@dataclass(frozen=True)
class Paper:
    """A kind of label: one on a page, or several on a sheet (`columns` by `rows`)."""

    key: str
    name: str
    note: str
    columns: int = 1
    rows: int = 1

    @property
    def per_page(self) -> int:
        return self.columns * self.rows


PAPERS = (
    Paper("62", "62 mm tape", "continuous, as for Brother QL; 40 mm each"),
    Paper("40x30", "40 × 30 mm", "rolls of small label printers"),
    Paper("a4", "A4 sheet", "3 × 8 of 70 × 37 mm", columns=3, rows=8),
)
BY_KEY = {paper.key: paper for paper in PAPERS}


@dataclass(frozen=True)
class Label:
    """One label. `lines` are small texts under the title; `colours` of the filament, empty for a printer."""

    code: str
    title: str
    lines: list[str]
    qr: Markup
    colours: list[str]
    bought_on: date | None = None
    is_spool: bool = False


def label_of(record: Spool | Printer, url: str) -> Label:
    """The label of a spool or a printer; `url` is what its QR code says."""
    if isinstance(record, Printer):
        lines = [record.model] + ([record.location] if record.location else [])
        return Label(record.code, record.name, lines, qr_svg(url), [])
    filament = record.filament
    return Label(
        record.code,
        filament.colour_name,
        [filament.material, filament.brand],
        qr_svg(url),
        filament.colour_hex.split(","),
        bought_on=record.purchased_on,
        is_spool=True,
    )


def qr_svg(text: str) -> Markup:
    """A QR code as inline SVG without a size of its own; 15 % of it may be dirty or torn (level M)."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(
        border=QUIET_MODULES, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(drawn)  # noqa: S704  # segno draws numbers only; the text itself is not in it


def leads_nowhere_else(url: str) -> bool:
    """Whether an address works on the server's own machine alone, so that no phone that reads it arrives."""
    return urlsplit(url).hostname in THIS_MACHINE


def sheets(labels: Sequence[Label], paper: Paper, start: int = 1) -> list[list[Label | None]]:
    """The labels page by page; None is a place that stays empty: a sheet may have been begun (`start` counts from 1)."""
    skipped = min(max(start, 1), paper.per_page) - 1
    places: list[Label | None] = [None] * skipped + list(labels)
    return [places[at : at + paper.per_page] for at in range(0, len(places), paper.per_page)]
