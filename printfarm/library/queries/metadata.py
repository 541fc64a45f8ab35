"""What a file says about itself: searched, in groups, by pages; and what two files say differently."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.paging import Paged
from printfarm.library.metadata import GROUPS, MetadataLine, lines_of, means_the_same, settings_of
from printfarm.library.models import Variant, VariantMetadata
from printfarm.library.queries.variants import VariantSummary, summaries
from printfarm.library.service import find_variant

LINES_PAGE = 250


@dataclass(frozen=True)
class Section:
    """The lines of one group on one page."""

    group: str
    lines: list[MetadataLine]

    @property
    def source(self) -> str:
        """Where all of them stand in the file; "" when they stand in several places."""
        sources = {line.source for line in self.lines}
        return sources.pop() if len(sources) == 1 else ""


@dataclass(frozen=True)
class MetadataPage:
    """One page of the lines that speak of what was searched, and how many lines each group holds then."""

    lines: Paged[MetadataLine]
    groups: list[tuple[str, int]]
    all_lines: int

    @property
    def sections(self) -> list[Section]:
        """The lines of this page by group."""
        return [Section(group, list(lines)) for group, lines in groupby(self.lines.items, key=lambda line: line.group)]


@dataclass(frozen=True)
class Difference:
    """A setting that two variants say differently; None where one of them says nothing."""

    key: str
    one: str | None
    other: str | None


@dataclass(frozen=True)
class Comparison:
    """Two variants: their sums, and the settings that differ, by group. `settings` counts what both were looked at for."""

    one: VariantSummary
    other: VariantSummary
    groups: list[tuple[str, list[Difference]]]
    settings: int

    @property
    def total(self) -> int:
        return sum(len(lines) for _group, lines in self.groups)


def metadata_page(db: Session, variant_id: UUID, *, text: str = "", group: str = "", page: int = 1) -> MetadataPage:
    """What the file says of itself, filtered by a text in key or value, and by group."""
    every = lines_of(raw_of(db, variant_id))
    sought = text.casefold()
    found = [line for line in every if line.speaks_of(sought)]
    groups = [(name, sum(line.group == name for line in found)) for name in GROUPS]
    shown = [line for line in found if group in {"", line.group}]
    pages = max(1, -(-len(shown) // LINES_PAGE))
    number = min(max(1, page), pages)
    here = shown[(number - 1) * LINES_PAGE : number * LINES_PAGE]
    return MetadataPage(Paged(here, number, pages, len(shown)), [one for one in groups if one[1]], len(every))


def compare(db: Session, one_id: UUID, other_id: UUID) -> Comparison:
    """What differs between two variants. Raises NotFound."""
    one, other = find_variant(db, one_id), find_variant(db, other_id)
    ours, theirs = settings_of(raw_of(db, one.id)), settings_of(raw_of(db, other.id))
    keys = [*ours, *(key for key in theirs if key not in ours)]
    different: dict[str, list[Difference]] = {group: [] for group in GROUPS}
    for key in keys:
        mine, yours = ours.get(key), theirs.get(key)
        if mine is None or yours is None or not means_the_same(mine.value, yours.value):
            line = mine or yours
            assert line is not None
            different[line.group].append(Difference(key, _value(mine), _value(yours)))
    groups = [(group, lines) for group, lines in different.items() if lines]
    return Comparison(*_both(db, one, other), groups, len(keys))


def raw_of(db: Session, variant_id: UUID) -> dict[str, Any]:
    """Everything that the file said; empty when nothing was kept."""
    return db.scalar(select(VariantMetadata.raw).where(VariantMetadata.variant_id == variant_id)) or {}


def _value(line: MetadataLine | None) -> str | None:
    return None if line is None else line.value


def _both(db: Session, one: Variant, other: Variant) -> tuple[VariantSummary, VariantSummary]:
    found = summaries(db, [one, other] if one.id != other.id else [one], {})
    return found[0], found[-1]
