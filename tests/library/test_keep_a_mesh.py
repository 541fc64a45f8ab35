"""Meshes and projects are kept beside the sliced files: they show what they are, and cannot be printed."""

from pathlib import Path
from uuid import UUID

import pytest

from printfarm.core.work import read_only
from printfarm.library.models import Plate, Variant
from tests.files.readers.builders import project_entries, write_zip
from tests.files.readers.mesh_builders import (
    binary_stl,
    box,
    mesh_xml,
    model_entries,
    model_xml,
    obj,
    object_xml,
    triangles,
)
from tests.support.uploads import add_variant, arrive_and_read, save

HOLED = triangles(*box())[1:]
EVIL = "&lt;script&gt;alert(1)&lt;/script&gt;"


def keep(person, folder: Path, name: str, content: bytes) -> UUID:
    path = folder / name
    path.write_bytes(content)
    return add_variant(person, path)


def kept(person, variant_id: UUID) -> tuple[Variant, list[Plate]]:
    with person.app.app_context(), read_only(person.shop_id) as db:
        variant = db.get_one(Variant, variant_id)
        return variant, list(variant.plates)


@pytest.mark.parametrize(
    ("name", "content"),
    [("Ring.stl", binary_stl(triangles(*box()))), ("Ring.obj", obj(*box()))],
)
def test_a_mesh_becomes_a_variant_that_says_how_large_it_is(olga, tmp_path, name, content) -> None:
    variant_id = keep(olga, tmp_path, name, content)
    variant, plates = kept(olga, variant_id)
    assert (variant.sliced, variant.mesh["triangles"], variant.mesh["size_mm"]) == (False, 12, [20.0, 30.0, 10.0])
    assert [(plate.printable, plate.picture_id is not None) for plate in plates] == [(False, True)]
    page = olga.get(f"/library/variants/{variant_id}")
    facts = page.one("#mesh").get_text(" ", strip=True)
    for expected in ("20.0 × 30.0 × 10.0 mm", "6.0 cm³", "22.0 cm²", "closed", "12"):
        assert expected in facts
    assert page.all("img[src*='/files/pictures/']")


def test_a_mesh_cannot_be_printed(olga, tmp_path) -> None:
    page = olga.get(f"/library/variants/{keep(olga, tmp_path, 'Ring.stl', binary_stl(HOLED))}")
    assert "must be sliced before it can be printed" in page.text
    assert not page.all("form[action*='/queue/']")
    assert "has holes" in page.one("#mesh").get_text()


def test_every_object_of_a_model_is_listed_and_its_name_is_text(olga, tmp_path) -> None:
    objects = [object_xml(1, mesh_xml(*box()), name=EVIL), object_xml(2, mesh_xml(*box(1, 2, 3)), name="=cmd")]
    path = write_zip(
        tmp_path / "a.3mf", model_entries(model_xml(objects, ['<item objectid="1"/>', '<item objectid="2"/>']))
    )
    page = olga.get(f"/library/variants/{add_variant(olga, path)}")
    names = [cell.get_text() for cell in page.all("#mesh tbody th")]
    assert names == ["<script>alert(1)</script>", "=cmd"]
    assert not page.all("#mesh script")


def test_a_project_keeps_its_settings_and_its_size(olga, tmp_path) -> None:
    entries = project_entries(plates=("Lids",))
    entries["3D/3dmodel.model"] = model_xml([object_xml(2, mesh_xml(*box()))], ['<item objectid="2"/>'])
    later = {"slot-1-choice": "later", "slot-2-choice": "later"}
    variant, plates = kept(olga, add_variant(olga, write_zip(tmp_path / "p.3mf", entries), **later))
    assert (variant.sliced, variant.mesh["triangles"], variant.mesh["items"][0]["name"]) == (False, 12, "Ring")
    assert [(plate.name, float(plate.layer_height_mm)) for plate in plates] == [("Lids", 0.2)]


def test_a_mesh_of_the_same_name_is_the_next_version(olga, tmp_path) -> None:
    first = keep(olga, tmp_path, "Ring.stl", binary_stl(triangles(*box())))
    model_id = str(kept(olga, first)[0].model_id)
    again = arrive_and_read(olga, ("Ring.stl", binary_stl(triangles(*box(21, 30, 10)))))
    saved = save(olga, again, model_id=model_id, variant_name=kept(olga, first)[0].name)
    assert saved.status == 303, saved.text
    assert kept(olga, UUID(saved.location.rsplit("/", 1)[1]))[0].version == 2
