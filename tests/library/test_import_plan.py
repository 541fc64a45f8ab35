"""plan.yaml: what a person wants otherwise, and what is refused."""

import pytest
from sqlalchemy import select

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.filament.models import Filament
from printfarm.files.sample_builder import SampleFilament
from printfarm.library.importing import queries, service
from printfarm.library.importing.plan import BadPlan, PlannedFilament, read_plan, written
from printfarm.library.models import FilamentRequirement, Model, ModelTag
from tests.library.importing import begin, fill, library, mesh_bytes, sliced_bytes, states, work

PLAN = """
ignore: ["old/*", "*.bak.obj"]
models:
  - folder: Dragons/Red
    name: Ruby dragon
    category: decoration
    tags: [Dragon, gift]
    designer: Fantasy3D
    licence: CC BY 4.0
    source: https://example.com/dragon
  - folder: Tags
    each_file: true
  - folder: Private
    skip: true
files:
  - file: Dragons/Red/a.obj
    variant: Wing
  - file: Dragons/tail.obj
    model: Ruby dragon
"""


def test_the_plan_names_models_and_variants_and_leaves_out(app, shop, tmp_path):
    names = (
        "Dragons/Red/a.obj",
        "Dragons/tail.obj",
        "Tags/Anna.obj",
        "Tags/Bert.obj",
        "Private/x.obj",
        "old/y.obj",
        "Fox/z.bak.obj",
    )
    folder = fill(tmp_path / "in", {name: mesh_bytes(n + 1) for n, name in enumerate(names)})
    import_id = begin(app, shop.id, folder, plan=read_plan(PLAN.encode()))
    work(app, shop.id, import_id)
    assert library(app, shop.id) == {"Ruby dragon": ["Wing", "tail"], "Anna": ["Anna"], "Bert": ["Bert"]}
    assert states(app, shop.id, import_id)["Private/x.obj"] == "skipped"
    with app.app_context(), read_only(shop.id) as db:
        model = db.scalar(select(Model).where(Model.name == "Ruby dragon"))
        assert (model.category, model.designer, model.licence) == ("decoration", "Fantasy3D", "CC BY 4.0")
        assert model.source_url == "https://example.com/dragon"
        assert set(db.scalars(select(ModelTag.tag).where(ModelTag.model_id == model.id))) == {"dragon", "gift"}


def test_the_written_plan_says_the_same_when_it_is_given_back(app, shop, tmp_path):
    folder = fill(
        tmp_path / "in",
        {
            "Dragons/Red/a.obj": mesh_bytes(1),
            "Dragons/Red/b.gcode.3mf": sliced_bytes(),
            "Key.obj": mesh_bytes(2),
            "Tags/c.obj": mesh_bytes(3),
        },
    )
    planned = begin(app, shop.id, folder, goal="plan", plan=read_plan(b"models: [{folder: Tags, each_file: true}]"))
    work(app, shop.id, planned)
    with app.app_context(), read_only(shop.id) as db:
        text = written(queries.written_plan(db, service.find_import(db, planned)))
    assert "Dragons/Red" in text
    import_id = begin(app, shop.id, folder, plan=read_plan(text.encode()))
    work(app, shop.id, import_id)
    assert library(app, shop.id) == {"Red": ["a", "b"], "Key": ["Key"], "C": ["c"]}


def test_filaments_are_matched_only_where_there_is_no_doubt(app, shop, tmp_path):
    with app.app_context(), unit_of_work(shop.id) as db:
        red = filament.add_filament(db, brand="Acme", material="PLA", colour_name="Red", colour_hex="#FF0000").id
        for brand in ("Acme", "Other"):
            filament.add_filament(db, brand=brand, material="PLA", colour_name="Blue", colour_hex="#0000FF")
    colours = ("#FF0000", "#0000FF", "#00FF00")
    wants = [SampleFilament(slot=n + 1, colour=colour, vendor="") for n, colour in enumerate(colours)]
    folder = fill(tmp_path / "in", {"Fox/fox.gcode.3mf": sliced_bytes(*wants)})
    work(app, shop.id, begin(app, shop.id, folder))
    with app.app_context(), read_only(shop.id) as db:
        needs = {need.colour_hex: need.filament_id for need in db.scalars(select(FilamentRequirement))}
    assert needs == {"#FF0000": red, "#0000FF": None, "#00FF00": None}


def test_the_plan_adds_a_filament_once_and_finds_it_again(app, shop, tmp_path):
    plan = read_plan(
        b'filaments: [{material: PLA, colour: "#00FF00", filament: {brand: Prusament, material: PLA, colour_name: Lime,'
        b' colour_hex: "#00ff00", cost_per_gram: 0.04, purchase_url: "https://example.com/lime"}},'
        b" {material: PLA, filament: later}]"
    )
    green = SampleFilament(slot=1, colour="#00FF00")
    folder = fill(tmp_path / "in", {f"Fox/{n}.gcode.3mf": sliced_bytes(green, layers=n) for n in (3, 4)})
    work(app, shop.id, begin(app, shop.id, folder, plan=plan))
    with app.app_context(), read_only(shop.id) as db:
        [lime] = db.scalars(select(Filament))
        assert (lime.brand, lime.colour_hex, str(lime.cost_per_gram)) == ("Prusament", "#00FF00", "0.040000")
        assert {need.filament_id for need in db.scalars(select(FilamentRequirement))} == {lime.id}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a\n- b", "begins with the words"),
        ("models: [{folder: a, nmae: b}]", "models → 1 → nmae"),
        ("models: [{folder: a, source: 'javascript:alert(1)'}]", "models → 1 → source"),
        ("a: &x [1]\nb: *x", "alias"),
        ("models: !!python/object/apply:os.system [ls]", "no YAML"),
        ("models: [", "Look at line 1"),
        ("filaments: [{filament: {brand: B, material: PLA, colour_name: C, colour_hex: nocolour}}]", "not a colour"),
        ("models: [{folder: a, tags: [" + ",".join(f"t{n}" for n in range(30)) + "]}]", "at most 20 tags"),
        ("[" * 5000, "YAML"),
        ("? {a: 1}\n: b", ""),
        ("ignore: [2026-01-01]", "ignore"),
    ],
)
def test_a_plan_that_cannot_be_followed_says_where(text, says):
    with pytest.raises(BadPlan) as refusal:
        read_plan(text.encode())
    assert says in refusal.value.sentence


def test_a_plan_that_is_no_text_or_too_long_is_refused():
    with pytest.raises(BadPlan, match="UTF-8"):
        read_plan(b"\xff\xfe\x00")
    with pytest.raises(BadPlan, match="larger"):
        read_plan(b" " * 2_000_001)


def test_an_unknown_category_is_refused_with_those_that_there_are(app, shop, tmp_path):
    with pytest.raises(BadPlan, match=r"has not\. It has: .*keychain"):
        begin(app, shop.id, tmp_path, plan=read_plan(b"models: [{folder: a, category: boats}]"))


def test_an_empty_plan_is_a_plan():
    assert read_plan(b"# nothing\n").models == []
    assert (
        PlannedFilament.model_validate(
            {"brand": "B", "material": "PLA", "colour_name": "C", "colour_hex": "red"}
        ).colour_hex
        == "#C62828"
    )


def test_more_than_a_plan_holds_is_left_to_itself(app, shop, tmp_path, monkeypatch):
    monkeypatch.setattr(queries, "MOST", 3)
    folder = fill(tmp_path / "in", {f"Fox {n}/fox.obj": mesh_bytes(n) for n in range(1, 6)})
    import_id = begin(app, shop.id, folder, goal="plan")
    work(app, shop.id, import_id)
    with app.app_context(), read_only(shop.id) as db:
        plan = queries.written_plan(db, service.find_import(db, import_id))
    assert (len(plan.models), len(plan.files)) == (3, 3)
    assert read_plan(written(plan).encode()) == plan
