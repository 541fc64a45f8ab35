"""Folders and zips to import, and working on an import as the command line and the worker do it."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import UUID

from flask import Flask
from PIL import Image
from sqlalchemy import select

from printfarm.core.work import read_only, unit_of_work
from printfarm.files.sample_builder import PlateSpec, SampleFilament, sliced_3mf_entries
from printfarm.library.importing import running, service
from printfarm.library.importing.models import Import, ImportItem
from printfarm.library.importing.plan import Plan
from printfarm.library.importing.sources import quoted
from printfarm.library.models import Model, Variant

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 {height}\nf 1 2 3\nf 1 2 4\nf 1 3 4\nf 2 3 4\n"


def sliced_bytes(*filaments: SampleFilament, layers: int = 4) -> bytes:
    """A small sliced file of one plate; other filaments or layers make other bytes."""
    out = io.BytesIO()
    plate = PlateSpec(layers=layers, filaments=filaments) if filaments else PlateSpec(layers=layers)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sliced_3mf_entries([plate]).items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def mesh_bytes(height: float = 1) -> bytes:
    """A tetrahedron; another height makes other bytes."""
    return TRIANGLE.format(height=height).encode()


def picture_bytes(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(out, "PNG")
    return out.getvalue()


def fill(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def zipped(files: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def begin(app: Flask, shop_id: UUID, folder: Path, *, goal: str = "import", plan: Plan | None = None) -> UUID:
    with app.app_context(), unit_of_work(shop_id) as db:
        made = service.begin_import(
            db,
            source="folder",
            place=quoted(str(folder)),
            name=folder.name,
            plan=plan or Plan(),
            user_id=None,
            goal=goal,
        )
        return made.id


def work(app: Flask, shop_id: UUID, import_id: UUID) -> Import:
    """Until there is nothing left to do, as the worker does it."""
    with app.app_context():
        while running.run_import(shop_id, import_id):
            pass
        with read_only(shop_id) as db:
            return service.find_import(db, import_id)


def items(app: Flask, shop_id: UUID, import_id: UUID) -> dict[str, ImportItem]:
    """What was found, by path."""
    with app.app_context(), read_only(shop_id) as db:
        wanted = select(ImportItem).where(ImportItem.import_id == import_id, ImportItem.kind != "model")
        return {item.path: item for item in db.scalars(wanted)}


def states(app: Flask, shop_id: UUID, import_id: UUID) -> dict[str, str]:
    return {path: item.state for path, item in items(app, shop_id, import_id).items()}


def library(app: Flask, shop_id: UUID) -> dict[str, list[str]]:
    """Models by name, with the names of their variants and the versions beyond the first."""
    with app.app_context(), read_only(shop_id) as db:
        models = {model.id: model.name for model in db.scalars(select(Model))}
        found: dict[str, list[str]] = {name: [] for name in models.values()}
        for variant in db.scalars(select(Variant).order_by(Variant.name, Variant.version)):
            found[models[variant.model_id]].append(
                variant.name + (f" v{variant.version}" if variant.version > 1 else "")
            )
        return found
