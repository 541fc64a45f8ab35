"""The page on which a person says what a file is: the choices that it offers, and what is filled in at first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from printfarm.filament.models import Filament
from printfarm.filament.queries import FilamentMatch, brand_names, match_filaments
from printfarm.filament.service import find_filament
from printfarm.files.models import Upload
from printfarm.library import guesses, queries
from printfarm.library.forms import LATER, NEW, AnswerForm, SlotForm, slot_prefix
from printfarm.library.guesses import WantedFilament
from printfarm.library.models import Model
from printfarm.library.offering import suggestion
from printfarm.library.service import category_choices, find_model

# A match at least this good is chosen at first: the same colour, or nearly so and the same brand.
GOOD_SCORE = 75
MATCHES, OTHERS, MODELS = 4, 300, 6
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?")


@dataclass(frozen=True)
class SlotQuestion:
    """One slot: what the file wants, what the shop has, and the fields for the answer."""

    wanted: WantedFilament
    matches: list[FilamentMatch]
    form: SlotForm


@dataclass(frozen=True)
class Question:
    """Everything that the page asks."""

    form: AnswerForm
    slots: list[SlotQuestion]
    models: list[Model]
    filaments: list[Filament]


def ask(db: Session, upload: Upload, sent: MultiDict[str, str] | None = None) -> Question:
    """The form as it was sent, else as it was left, else as the file suggests."""
    extracted = upload.extracted or {}
    wanted = guesses.wanted_filaments(extracted)
    matches, brands = [_matches(db, one) for one in wanted], brand_names(db)
    values: Mapping[str, str] = sent if sent is not None else _first_values(db, upload, wanted, matches, brands)
    filled = sent if sent is not None else MultiDict(values)
    form = AnswerForm(formdata=filled)
    form.offer(category_choices(db))
    slots = [
        SlotQuestion(one, found, SlotForm(formdata=filled, prefix=slot_prefix(one.slot)))
        for one, found in zip(wanted, matches, strict=True)
    ]
    return Question(form, slots, _models(db, form), all_filaments(db))


def refuse_unknown(db: Session, question: Question) -> None:
    """Raises NotFound when a chosen model or filament is not (or no longer) in this shop."""
    if model_id := question.form.model_id():
        find_model(db, model_id)
    for slot in question.slots:
        if filament_id := slot.form.answer(slot.wanted).filament_id:
            find_filament(db, filament_id)


def _first_values(
    db: Session,
    upload: Upload,
    wanted: Sequence[WantedFilament],
    matches: Sequence[list[FilamentMatch]],
    brands: Sequence[str],
) -> dict[str, str]:
    extracted = upload.extracted or {}
    name = guesses.model_name(extracted, upload.original_name)
    known = queries.model_named(db, name)
    values = {
        "model": str(known.id) if known else NEW,
        "find": "",
        "model_name": name,
        "variant_name": guesses.variant_name(extracted),
        "category": "other",
        "designer": str(extracted.get("designer") or ""),
        "licence": str(extracted.get("licence") or ""),
        "description": guesses.description(extracted),
        "tags": "",
        "source_url": "",
        "note": "",
    }
    for one, found in zip(wanted, matches, strict=True):
        values |= {slot_prefix(one.slot) + field: value for field, value in _first_slot(one, found, brands).items()}
    return values | (upload.typed or {})


def _first_slot(wanted: WantedFilament, matches: list[FilamentMatch], brands: Sequence[str]) -> dict[str, str]:
    good = matches[0] if matches and matches[0].score >= GOOD_SCORE else None
    undecided = NEW if wanted.material and wanted.colour_hex else LATER
    return {
        "choice": str(good.filament.id) if good else undecided,
        "other": "",
        **suggestion(wanted, brands),
    }


def _matches(db: Session, wanted: WantedFilament) -> list[FilamentMatch]:
    colour = wanted.colour_hex if _COLOUR.fullmatch(wanted.colour_hex) else None
    return match_filaments(
        db,
        material=wanted.material or None,
        colour_hex=colour,
        vendor=wanted.vendor or None,
        preset=wanted.preset,
        limit=MATCHES,
    )


def _models(db: Session, form: AnswerForm) -> list[Model]:
    """The chosen one first, then what is found, or what is like the new one's name."""
    found = queries.search_models(db, form.find.data or form.model_name.data or "", limit=MODELS)
    chosen = _chosen_model(db, form.model.data)
    if chosen is not None and chosen.id not in {model.id for model in found}:
        return [chosen, *found]
    return found


def _chosen_model(db: Session, value: Any) -> Model | None:
    try:
        return db.get(Model, UUID(value))
    except ValueError:
        return None


def all_filaments(db: Session) -> list[Filament]:
    """Those in use, to choose another one from; as many as a list can bear."""
    wanted = select(Filament).where(Filament.archived_at.is_(None))
    return list(db.scalars(wanted.order_by(Filament.material, Filament.brand, Filament.colour_name).limit(OTHERS)))
