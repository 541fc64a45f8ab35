"""A large library, written straight into the database: what the measurements of searching and of the library's list look at."""

import random
from collections.abc import Iterator
from uuid import UUID

from flask import Flask
from sqlalchemy import insert
from sqlalchemy.orm import Session

from bench.shop import Visitor, _open
from printfarm.core.clock import utc_now
from printfarm.core.ids import new_id
from printfarm.core.work import unit_of_work
from printfarm.files.models import StoredFile
from printfarm.insight.search.rebuilding import rebuild
from printfarm.library.models import FilamentRequirement, Model, Plate, Variant, VariantMetadata

BATCH = 2_000
THINGS = [
    "dragon",
    "vase",
    "hook",
    "box",
    "gear",
    "lamp",
    "stand",
    "holder",
    "clip",
    "bracket",
    "fox",
    "owl",
    "skull",
    "planter",
    "dice",
    "tower",
    "bowl",
    "ring",
    "knob",
    "wedge",
]
ADJECTIVES = [
    "small",
    "large",
    "round",
    "flexible",
    "articulated",
    "hollow",
    "spiral",
    "modular",
    "slim",
    "heavy",
    "magnetic",
    "foldable",
    "stackable",
]
DESIGNERS = [f"Designer {number}" for number in range(300)]
MATERIALS, CATEGORIES = (
    ("PLA", "PETG", "ABS", "TPU"),
    ("keychain", "earring", "decoration", "functional", "toy", "tool"),
)
PROFILES = (
    "0.08 mm extra fine",
    "0.12 mm fine",
    "0.16 mm optimal",
    "0.20 mm standard",
    "0.24 mm draft",
    "0.28 mm extra draft",
)
PRINTERS = (("Bambu Lab P1S", "C12"), ("Bambu Lab X1 Carbon", "C11"), ("Bambu Lab A1", "N2S"))


def library_of(app: Flask, name: str, models: int, variants_each: int) -> tuple[Visitor, list[UUID]]:
    """A shop with so many models and variants, read into the search's index; and the ids of the variants."""
    visitor = _open(app, name)
    made: list[UUID] = []
    with app.app_context():
        for first in range(0, models, BATCH // variants_each):
            with unit_of_work(visitor.shop_id) as db:
                made += _write(
                    db, visitor.shop_id, range(first, min(models, first + BATCH // variants_each)), variants_each
                )
        rebuild(visitor.shop_id)
    return visitor, made


def _write(db: Session, shop_id: UUID, numbers: range, variants_each: int) -> list[UUID]:
    rows: dict[type, list[dict[str, object]]] = {
        kind: [] for kind in (StoredFile, Model, Variant, VariantMetadata, Plate, FilamentRequirement)
    }
    for number in numbers:
        for kind, row in _model(random.Random(number), number, variants_each):
            rows[kind].append({"id": new_id(), "shop_id": shop_id, **row})
    for kind, some in rows.items():
        db.execute(insert(kind.__table__), some)  # type: ignore[attr-defined]
    return [row["id"] for row in rows[Variant]]  # type: ignore[misc]


def _model(chance: random.Random, number: int, variants_each: int) -> Iterator[tuple[type, dict[str, object]]]:
    now, model_id = utc_now(), new_id()
    name = f"{chance.choice(ADJECTIVES)} {chance.choice(THINGS)} {number}".capitalize()
    yield (
        Model,
        {
            "id": model_id,
            "name": name,
            "designer": chance.choice(DESIGNERS),
            "description": "Prints without supports. " * 5,
            "category": chance.choice(CATEGORIES),
            "licence": "",
            "source_url": "",
            "created_at": now,
            "updated_at": now,
        },
    )
    for version in range(variants_each):
        file_id, variant_id, plate_id = new_id(), new_id(), new_id()
        profile, material = chance.choice(PROFILES), chance.choice(MATERIALS)
        printer, printer_id = chance.choice(PRINTERS)
        yield (
            StoredFile,
            {
                "id": file_id,
                "kind": "sliced",
                "sha256": file_id.hex,
                "md5": "",
                "size_bytes": 1_000_000,
                "content_type": "model/3mf",
                "original_name": f"{name}_{version}.gcode.3mf",
                "created_at": now,
            },
        )
        yield (
            Variant,
            {
                "id": variant_id,
                "model_id": model_id,
                "file_id": file_id,
                "name": f"{profile} {version}",
                "version": 1,
                "file_format": "gcode.3mf",
                "sliced": True,
                "slicer_name": "BambuStudio",
                "slicer_version": "2.5.0",
                "note": "",
                "created_at": now,
            },
        )
        yield VariantMetadata, {"variant_id": variant_id, "raw": _settings(profile, printer, material)}
        yield (
            Plate,
            {
                "id": plate_id,
                "variant_id": variant_id,
                "number": 1,
                "duration_s": chance.randrange(600, 90_000),
                "layers": 100,
                "printer_model": printer,
                "printer_model_id": printer_id,
                "printable": True,
                "warnings": [],
            },
        )
        yield (
            FilamentRequirement,
            {"plate_id": plate_id, "slot": 1, "material": material, "colour_hex": "#111111", "total_mg": 20_000},
        )


def _settings(profile: str, printer: str, material: str) -> dict[str, object]:
    own = {
        "layer_height": profile.split(maxsplit=1)[0],
        "print_settings_id": profile,
        "printer_model": printer,
        "filament_type": [material],
        "sparse_infill_density": "15%",
        "sparse_infill_pattern": "gyroid",
        "wall_loops": "2",
        "enable_support": "0",
        "brim_type": "auto_brim",
        "nozzle_diameter": ["0.4"],
    }
    return {"project_settings": own | {f"setting_{number}": str(number) for number in range(50)}}
