"""The geometry of 3MF: items, units, places, parts, components; and models that mean harm."""

import zipfile
from pathlib import Path

import pytest

from printfarm.files.readers import FileReading, Limits, UnreadableFile, read_file
from tests.files.readers.builders import png, project_entries, write_zip
from tests.files.readers.mesh_builders import box, mesh_xml, model_entries, model_xml, object_xml

BOX = mesh_xml(*box())
ITEM = '<item objectid="1"/>'


def read_model(tmp_path: Path, model: str, parts: dict[str, bytes | str] | None = None, **limits: float) -> FileReading:
    path = write_zip(tmp_path / "a.zip", model_entries(model, parts))
    return read_file(path, limits=Limits(**limits) if limits else None)


def test_a_box_is_measured(tmp_path: Path):
    reading = read_model(tmp_path, model_xml([object_xml(1, BOX, name="Ring")], [ITEM]))
    mesh = reading.mesh
    assert (reading.format, reading.sliced, reading.slicer, reading.warnings) == ("3mf", False, None, ())
    assert (mesh.unit, mesh.triangles, mesh.size_mm, mesh.is_closed) == ("millimeter", 12, (20, 30, 10), True)
    assert (mesh.volume_mm3, mesh.area_mm2) == (pytest.approx(6000), pytest.approx(2200))
    assert (reading.plates[0].objects, reading.plates[0].printable) == (("Ring",), False)


@pytest.mark.parametrize(
    ("unit", "millimetres"),
    [(None, 1), ("micron", 0.001), ("centimeter", 10), ("inch", 25.4), ("foot", 304.8), ("meter", 1000)],
)
def test_every_unit_becomes_millimetres(tmp_path: Path, unit, millimetres):
    mesh = read_model(tmp_path, model_xml([object_xml(1, BOX)], [ITEM], unit=unit)).mesh
    assert mesh.size_mm == pytest.approx((20 * millimetres, 30 * millimetres, 10 * millimetres), abs=1e-4)
    assert (mesh.unit, mesh.volume_mm3) == (
        unit or "millimeter",
        pytest.approx(6000 * millimetres**3, rel=1e-6, abs=1e-4),
    )


def test_items_are_measured_one_by_one_where_they_stand(tmp_path: Path):
    turned = '<item objectid="1" transform="0 1 0 -1 0 0 0 0 1 500 600 0"/>'
    doubled = '<item objectid="1" transform="2 0 0 0 2 0 0 0 2 0 0 0"/>'
    off = '<item objectid="1" printable="0"/>'
    mesh = read_model(tmp_path, model_xml([object_xml(1, BOX)], [turned, doubled, off])).mesh
    assert [item.size_mm for item in mesh.items] == [(30, 20, 10), (40, 60, 20)]
    assert (mesh.item_count, mesh.triangles, mesh.size_mm) == (2, 24, (40, 60, 20))
    assert (mesh.volume_mm3, mesh.is_closed) == (pytest.approx(6000 + 48000), True)


def test_a_mirrored_item_has_its_volume(tmp_path: Path):
    mirrored = '<item objectid="1" transform="-1 0 0 0 1 0 0 0 1 0 0 0"/>'
    assert read_model(tmp_path, model_xml([object_xml(1, BOX)], [mirrored])).mesh.volume_mm3 == pytest.approx(6000)


def test_components_are_put_together_the_inner_place_first(tmp_path: Path):
    inside = (
        '<components><component objectid="1"/>'
        '<component objectid="1" transform="1 0 0 0 1 0 0 0 1 100 0 0"/></components>'
    )
    item = '<item objectid="2" transform="0 1 0 -1 0 0 0 0 1 0 0 0"/>'
    mesh = read_model(tmp_path, model_xml([object_xml(1, BOX), object_xml(2, inside)], [item])).mesh
    assert (mesh.item_count, mesh.triangles, mesh.size_mm) == (1, 24, (30, 120, 10))


def test_the_numbers_of_objects_count_in_their_part_only(tmp_path: Path):
    small, large = mesh_xml(*box(1, 2, 3)), mesh_xml(*box(10, 20, 30))
    inside = (
        '<components><component p:path="/3D/Objects/a.model" objectid="1"/>'
        '<component p:path="/3D/Objects/b.model" objectid="1" transform="1 0 0 0 1 0 0 0 1 50 0 0"/></components>'
    )
    parts = {
        "3D/Objects/a.model": model_xml([object_xml(1, small)], []),
        "3D/Objects/b.model": model_xml([object_xml(1, large)], []),
    }
    mesh = read_model(tmp_path, model_xml([object_xml(1, inside)], [ITEM]), parts).mesh
    assert (mesh.size_mm, mesh.volume_mm3) == ((60, 20, 30), pytest.approx(6 + 6000))


def test_supports_and_other_helpers_are_no_part_of_the_model(tmp_path: Path):
    objects = [object_xml(1, BOX), object_xml(2, BOX, type="support"), object_xml(3, BOX, type="other")]
    items = [ITEM, '<item objectid="2"/>', '<item objectid="3"/>']
    assert read_model(tmp_path, model_xml(objects, items)).mesh.triangles == 12


def test_objects_that_nobody_placed_count_when_nothing_else_is_there(tmp_path: Path):
    inside = '<components><component objectid="1"/></components>'
    assert read_model(tmp_path, model_xml([object_xml(1, BOX), object_xml(2, inside)], [])).mesh.item_count == 1


def test_prefixes_of_names_do_not_matter(tmp_path: Path):
    model = model_xml([object_xml(1, BOX)], [ITEM]).replace("<", "<m:").replace("<m:/", "</m:").replace("<m:?", "<?")
    model = model.replace('xmlns="', 'xmlns:m="')
    assert read_model(tmp_path, model).mesh.triangles == 12


def test_the_relations_name_the_model_and_its_picture(tmp_path: Path):
    relations = (
        '<Relationships><Relationship Target="/3D/other.model" Type="http://x/3dmodel"/>'
        '<Relationship Target="/Thumbnails/t.png" Type="http://x/metadata/thumbnail"/></Relationships>'
    )
    entries = {
        "_rels/.rels": relations,
        "3D/other.model": model_xml([object_xml(1, BOX)], [ITEM]),
        "Thumbnails/t.png": png(60, 40),
    }
    reading = read_file(write_zip(tmp_path / "a.zip", entries))
    assert (reading.mesh.triangles, [(t.width, t.height) for t in reading.thumbnails]) == (12, [(60, 40)])


def test_a_project_is_measured_too_and_names_its_objects(tmp_path: Path):
    entries = project_entries()
    inside = '<components><component p:path="/3D/Objects/o.model" objectid="1"/></components>'
    entries["3D/3dmodel.model"] = model_xml([object_xml(2, inside)], ['<item objectid="2"/>'])
    entries["3D/Objects/o.model"] = model_xml([object_xml(1, BOX)], [])
    reading = read_file(write_zip(tmp_path / "a.zip", entries))
    assert (reading.sliced, reading.plates[0].layer_height_mm) == (False, 0.2)
    assert [(item.name, item.triangles) for item in reading.mesh.items] == [("Ring", 12)]


def test_a_project_with_a_broken_model_keeps_its_settings(tmp_path: Path):
    entries = {**project_entries(), "3D/3dmodel.model": "<model><resources><object"}
    reading = read_file(write_zip(tmp_path / "a.zip", entries))
    assert (reading.mesh, reading.plates[0].layer_height_mm) == (None, 0.2)
    assert "mesh_unreadable" in [w.code for w in reading.warnings]


def test_volumes_of_prusaslicer_that_only_modify_are_left_out(tmp_path: Path):
    points, faces = box()
    more, again = box(1, 1, 1, at=(5, 5, 5))
    mesh = mesh_xml(points + more, [*faces, *[[index + 8 for index in face] for face in again]])
    entries = {
        "3D/3dmodel.model": model_xml([object_xml(1, mesh)], [ITEM]),
        "Metadata/Slic3r_PE.config": "; layer_height = 0.2\n; filament_type = PLA\n",
        "Metadata/Slic3r_PE_model.config": '<config><object id="1"><metadata type="object" key="name" value="Ring"/>'
        '<volume firstid="0" lastid="11"><metadata type="volume" key="volume_type" value="ModelPart"/></volume>'
        '<volume firstid="12" lastid="23"><metadata type="volume" key="volume_type" value="NegativeVolume"/></volume>'
        '</object><object id="7"><volume firstid="0" lastid="9"><metadata key="modifier" value="1"/></volume></object>'
        "</config>",
    }
    reading = read_file(write_zip(tmp_path / "a.zip", entries))
    assert [(i.name, i.triangles, i.volume_mm3, i.is_closed) for i in reading.mesh.items] == [("Ring", 12, 6000, True)]
    assert reading.plates[0].objects == ("Ring",)


def test_a_lattice_of_bars_is_kept_without_a_size(tmp_path: Path):
    lattice = (
        '<mesh><vertices/><triangles/><b:beamlattice><b:beams><b:beam v1="0" v2="1"/></b:beams></b:beamlattice></mesh>'
    )
    model = model_xml([object_xml(1, lattice)], [ITEM]).replace("xmlns:p=", 'xmlns:b="b" xmlns:p=')
    reading = read_model(tmp_path, model)
    assert (reading.mesh, [w.code for w in reading.warnings]) == (None, ["beam_lattice"])


def nested(levels: int, times: int) -> list[str]:
    """Objects that hold the one before them several times."""

    def holder(number: int) -> str:
        inside = f'<component objectid="{number - 1}"/>' * times
        return object_xml(number, f"<components>{inside}</components>")

    return [object_xml(1, BOX), *(holder(number) for number in range(2, levels + 2))]


LAUGHS = '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
ITSELF = object_xml(1, '<components><component objectid="1"/></components>')
HOSTILE = {
    "holds itself": (model_xml([ITSELF], [ITEM]), "nested too deep"),
    "billions of boxes": (model_xml(nested(20, 10), ['<item objectid="21"/>']), "far too many"),
    "nested deep": (model_xml(nested(100, 1), ['<item objectid="101"/>']), "nested too deep"),
    "many items": (model_xml([object_xml(1, BOX)], [ITEM] * 20_000), "more than 10000"),
    "entities": (model_xml([object_xml(1, BOX)], [ITEM]).replace("<model", LAUGHS + "<model", 1), "document type"),
    "deep elements": (model_xml(["<a>" * 5000], []), "nested too deep"),
    "missing object": (model_xml([object_xml(1, BOX)], ['<item objectid="7"/>']), "object 7 is missing"),
    "missing part": (model_xml([], ['<item p:path="/no.model" objectid="1"/>']), "part no.model is missing"),
    "outside": (model_xml([], ['<item p:path="../../etc/passwd" objectid="1"/>']), "is missing"),
    "wrong corner": (model_xml([object_xml(1, BOX.replace('v1="0"', 'v1="99"'))], [ITEM]), "do not fit"),
    "negative corner": (model_xml([object_xml(1, BOX.replace('v1="0"', 'v1="-1"'))], [ITEM]), "do not fit"),
    "huge corner": (model_xml([object_xml(1, BOX.replace('v1="0"', 'v1="9999999999"'))], [ITEM]), "cannot be read"),
    "not a number": (model_xml([object_xml(1, BOX.replace('x="20"', 'x="nan"'))], [ITEM]), "nowhere"),
    "endless number": (model_xml([object_xml(1, BOX.replace('x="20"', 'x="1e999"'))], [ITEM]), "nowhere"),
    "no coordinate": (model_xml([object_xml(1, BOX.replace('x="20"', ""))], [ITEM]), "cannot be read"),
    "bad place": (model_xml([object_xml(1, BOX)], ['<item objectid="1" transform="1 2 3"/>']), "twelve numbers"),
    "unknown unit": (model_xml([object_xml(1, BOX)], [ITEM], unit="parsec"), "unit parsec is unknown"),
    "cut off": (model_xml([object_xml(1, BOX)], [ITEM])[:-40], "cannot be read"),
    "no model": ("<svg/>", "no model"),
    "encrypted": ("\x00\x01\x02", "cannot be read"),
}


@pytest.mark.parametrize("harm", HOSTILE)
def test_what_means_harm_is_refused_with_the_reason(tmp_path: Path, harm):
    model, sentence = HOSTILE[harm]
    with pytest.raises(UnreadableFile, match=sentence) as refusal:
        read_model(tmp_path, model)
    assert refusal.value.sentence.endswith(".")


def test_an_element_without_end_is_given_up_early(tmp_path: Path):
    model = model_xml([object_xml(1, BOX, name="x" * 30_000_000)], [ITEM])
    with pytest.raises(UnreadableFile, match=r"zip bomb|without end"):
        read_model(tmp_path, model)


def test_more_triangles_than_allowed_are_refused(tmp_path: Path):
    with pytest.raises(UnreadableFile, match="more than 10 triangles"):
        read_model(tmp_path, model_xml([object_xml(1, BOX)], [ITEM]), triangles=10)


def test_names_come_without_control_characters(tmp_path: Path):
    head = (
        '<metadata name="Title">=cmd|calc&#x202E; &lt;script&gt;</metadata><metadata name="Designer">A&#10;B</metadata>'
    )
    reading = read_model(tmp_path, model_xml([object_xml(1, BOX, name="a&#x9;b &lt;b&gt;")], [ITEM], head=head))
    assert (reading.title, reading.designer) == ("=cmd|calc <script>", "A B")
    assert reading.plates[0].objects == ("a b <b>",)


def test_a_damaged_checksum_is_told(tmp_path: Path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("3D/3dmodel.model", model_xml([object_xml(1, BOX)], [ITEM]))
    path.write_bytes(path.read_bytes().replace(b'x="20"', b'x="21"', 1))
    with pytest.raises(UnreadableFile, match="is damaged"):
        read_file(path)
