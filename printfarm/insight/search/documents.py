"""What can be found of each kind of thing, and by which words. What is archived, or an older version, cannot."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from printfarm.filament.models import Filament, Spool
from printfarm.files.models import StoredFile
from printfarm.fleet.models import Printer, PrinterSlot
from printfarm.insight.search import tokens
from printfarm.insight.search.settings import telling
from printfarm.library.models import FilamentRequirement, Model, ModelTag, Plate, Variant, VariantMetadata
from printfarm.queue.models import PrintJob

LONGEST_TEXT, MOST_WORDS = 4_000, 400
SHORTEST_CORRECTED, LONGEST_CORRECTED = 4, 20
MOST_VARIANTS = 200  # of one model, whose materials and printers it is filtered by


@dataclass
class Document:
    """What the index keeps of one thing. `names` are what people call it; `texts` what else is said of it."""

    names: tuple[str, ...]
    texts: Sequence[str | None] = ()
    people: Sequence[str] = ()  # designers and the like: by these too a slip of a finger is known
    settings: Iterable[str] = ()
    facets: set[str] = field(default_factory=set)
    rank: int = 0
    duration_s: int | None = None

    @property
    def name(self) -> str:
        """The words of its names in order, folded."""
        return " ".join(word for one in self.names for word in tokens.words_in(one[:LONGEST_TEXT]))[:LONGEST_TEXT]

    def spoken(self) -> set[str]:
        """The words of its names in every spelling."""
        return {word for one in self.names for word in tokens.all_words(one[:LONGEST_TEXT])}

    def vocabulary(self) -> set[str]:
        """The words that are worth correcting to."""
        words = self.spoken() | {word for one in self.people for word in tokens.all_words(one)}
        return {word for word in words if word.isalpha() and SHORTEST_CORRECTED <= len(word) <= LONGEST_CORRECTED}

    def tokens(self, salt: str) -> str:
        """Everything by which it is found, in a fixed order."""
        spoken = self.spoken()
        found = {tokens.NAME + word for word in spoken}
        found |= {tokens.ANYWHERE + end for word in spoken for end in (word, *tokens.endings(word))}
        said = (word for text in self.texts if text for word in tokens.words_in(text[:LONGEST_TEXT]))
        found |= {tokens.ANYWHERE + word for word, _ in zip(_spelt(self.texts, said), range(MOST_WORDS), strict=False)}
        found |= {tokens.SETTING + one for one in self.settings}
        found |= {tokens.FACET + one for one in self.facets} | {tokens.ALL}
        return " ".join(sorted(salt + tokens.token(one) for one in found))


def _spelt(texts: Sequence[str | None], words: Iterable[str]) -> Iterator[str]:
    yield from words
    for text in texts:
        if text and not text.isascii():
            yield from tokens.all_words(text[:LONGEST_TEXT])


Documents = dict[UUID, Document]


def documents(db: Session, kind: str, ids: Sequence[UUID]) -> Documents:
    """The documents of those of these things that can be found, in a fixed number of statements."""
    return _MAKERS[kind](db, ids)


def everything(kind: str) -> Any:
    """The table whose rows are the things of a kind."""
    return {
        "spool": Spool,
        "filament": Filament,
        "model": Model,
        "variant": Variant,
        "job": PrintJob,
        "printer": Printer,
    }[kind]


def _filaments(db: Session, ids: Sequence[UUID]) -> Documents:
    wanted = select(Filament).where(Filament.id.in_(ids), Filament.archived_at.is_(None))
    return {
        one.id: Document(
            names=(one.colour_name, one.material, one.finish, one.brand),
            texts=(one.note, one.article_number, one.supplier),
            facets=_of_filament(one),
        )
        for one in db.scalars(wanted)
    }


def _of_filament(filament: Filament) -> set[str]:
    return {tokens.facet("material", filament.material), f"filament={filament.id.hex}"}


def _spools(db: Session, ids: Sequence[UUID]) -> Documents:
    wanted = select(Spool).where(Spool.id.in_(ids), Spool.archived_at.is_(None))
    lying = select(PrinterSlot.spool_id, Printer).join(Printer, Printer.id == PrinterSlot.printer_id)
    where = {row[0]: row[1] for row in db.execute(lying.where(PrinterSlot.spool_id.in_(ids)))}
    made = {}
    for spool in db.scalars(wanted):
        filament, printer = spool.filament, where.get(spool.id)
        facets = _of_filament(filament) | ({f"printer={printer.id.hex}"} if printer else set())
        made[spool.id] = Document(
            names=(spool.code, filament.colour_name, filament.material, filament.finish, filament.brand),
            texts=(spool.location, spool.batch, printer.name if printer else None),
            facets=facets,
        )
    return made


def _printers(db: Session, ids: Sequence[UUID]) -> Documents:
    wanted = select(Printer).where(Printer.id.in_(ids), Printer.archived_at.is_(None))
    return {
        one.id: Document(
            names=(one.name, one.code),
            texts=(one.model, one.location, one.serial),
            facets={f"printer={one.id.hex}"},
        )
        for one in db.scalars(wanted)
    }


def _jobs(db: Session, ids: Sequence[UUID]) -> Documents:
    wanted = select(PrintJob).where(PrintJob.id.in_(ids))
    return {
        one.id: Document(names=(one.name,), texts=(one.note,), rank=0 if one.ended_at is None else 1)
        for one in db.scalars(wanted)
    }


def _models(db: Session, ids: Sequence[UUID]) -> Documents:
    wanted = select(Model).where(Model.id.in_(ids), Model.archived_at.is_(None))
    tags, printed = _tags(db, ids), _printed(db, ids)
    return {
        model.id: Document(
            names=(model.name,),
            texts=(model.designer, model.category, *tags[model.id], model.description),
            people=(model.designer, *tags[model.id]),
            facets={tokens.facet("category", model.category)} | printed[model.id],
        )
        for model in db.scalars(wanted)
    }


def _printed(db: Session, model_ids: Sequence[UUID]) -> dict[UUID, set[str]]:
    """By model: in what and on what the newest versions of its variants are printed."""
    of_variants = (
        _newest()
        .where(Variant.model_id.in_(model_ids))
        .outerjoin(Plate, Plate.variant_id == Variant.id)
        .outerjoin(FilamentRequirement, FilamentRequirement.plate_id == Plate.id)
        .with_only_columns(Variant.model_id, Variant.id, FilamentRequirement.material, Plate.printer_model_id)
        .distinct()
    )
    said: dict[UUID, dict[UUID, list[tuple[str | None, str | None]]]] = defaultdict(lambda: defaultdict(list))
    for model_id, variant_id, material, printer in db.execute(of_variants):
        said[model_id][variant_id].append((material, printer))
    found: dict[UUID, set[str]] = defaultdict(set)
    for model_id, variants in said.items():
        for pairs in islice(variants.values(), MOST_VARIANTS):
            found[model_id] |= _material_on_printer({one for one, _ in pairs}, {printer for _, printer in pairs})
    return found


def _variants(db: Session, ids: Sequence[UUID]) -> Documents:
    wanted = (
        _newest()
        .where(Variant.id.in_(ids))
        .outerjoin(StoredFile, StoredFile.id == Variant.file_id)
        .outerjoin(VariantMetadata, VariantMetadata.variant_id == Variant.id)
        .add_columns(StoredFile.original_name, VariantMetadata.raw)
        .options(joinedload(Variant.model), selectinload(Variant.plates).joinedload(Plate.requirements))
    )
    rows = [row for row in db.execute(wanted) if row[0].model.archived_at is None]
    tags = _tags(db, {variant.model_id for variant, _, _ in rows})
    return {
        variant.id: _of_variant(variant, tags[variant.model_id], file_name, raw or {})
        for variant, file_name, raw in rows
    }


def _of_variant(variant: Variant, tags: list[str], file_name: str | None, raw: dict[str, Any]) -> Document:
    model, plates = variant.model, variant.plates
    of_plates = (
        text for plate in plates for text in (plate.name, plate.printer_model, plate.printer_preset, plate.bed_type)
    )
    of_filament = (text for need in _needs(plates) for text in (need.material, need.vendor, need.preset))
    longest = max((plate.duration_s for plate in plates if plate.duration_s is not None), default=None)
    time = set() if longest is None else set(tokens.times(longest, longest))
    return Document(
        names=(variant.name,),
        texts=(
            *dict.fromkeys(
                (
                    model.name,
                    model.designer,
                    model.category,
                    *tags,
                    file_name,
                    variant.slicer_name,
                    variant.slicer_version,
                    variant.note,
                    *of_plates,
                    *of_filament,
                )
            ),
        ),
        settings=telling(raw, plates),
        facets=_printed_by(variant) | {tokens.facet("category", model.category)} | _drawing_on(plates) | time,
        duration_s=longest,
    )


def _printed_by(variant: Variant) -> set[str]:
    return _material_on_printer(
        {need.material for need in _needs(variant.plates)}, {plate.printer_model_id for plate in variant.plates}
    )


def _material_on_printer(materials: set[str | None], printers: set[str | None]) -> set[str]:
    """The materials of a variant, its printers, and which on which: so that both filters speak of one variant."""
    of_material = {tokens.facet("material", one) for one in materials if one}
    of_printer = {tokens.facet("model", one) for one in printers if one}
    return of_material | of_printer | {f"{one}+{other}" for one in of_material for other in of_printer}


def _drawing_on(plates: Sequence[Plate]) -> set[str]:
    """The filaments that it takes; "known" when each of its needs has one."""
    needs = list(_needs(plates))
    found = {f"filament={need.filament_id.hex}" for need in needs if need.filament_id}
    return found | ({"known"} if needs and all(need.filament_id for need in needs) else set())


def _needs(plates: Sequence[Plate]) -> Iterator[Any]:
    return (need for plate in plates for need in plate.requirements)


def _newest() -> Any:
    """The newest version of each variant that is not archived."""
    newer = aliased(Variant)
    has_newer = select(newer.id).where(
        newer.model_id == Variant.model_id, newer.name == Variant.name, newer.version > Variant.version
    )
    return select(Variant).where(Variant.archived_at.is_(None), ~has_newer.exists())


def _tags(db: Session, model_ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = defaultdict(list)
    for model_id, tag in db.execute(select(ModelTag.model_id, ModelTag.tag).where(ModelTag.model_id.in_(model_ids))):
        found[model_id].append(tag)
    return found


_MAKERS: dict[str, Callable[[Session, Sequence[UUID]], Documents]] = {
    "spool": _spools,
    "filament": _filaments,
    "model": _models,
    "variant": _variants,
    "job": _jobs,
    "printer": _printers,
}
