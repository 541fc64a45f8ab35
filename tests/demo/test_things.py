"""What the demo shows: files that the readers take without complaint, with pictures of their own."""

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from hub.adapters.bambu_slots import read_slots
from hub.simulators import PrinterSpec
from hub.simulators.bambu import PrinterCore
from printfarm.demo.catalogue import BY_KEY, LOADED, LYING, MODEL_IDS, THINGS, Thing, spools_of
from printfarm.demo.pictures import plate_picture, top_picture
from printfarm.demo.shop import NotADemo, make_shop
from printfarm.demo.sliced import write_sliced
from printfarm.demo.solids import lathe, prism
from printfarm.files.readers import read_file


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.name)
def test_a_file_says_what_the_catalogue_says(thing: Thing, tmp_path: Path):
    found = read_file(write_sliced(thing, tmp_path))
    assert (found.sliced, found.warnings, found.title) == (True, (), thing.name)
    assert [plate.name or "" for plate in found.plates] == list(thing.plates)
    for plate in found.plates:
        assert (plate.time_total_s, plate.layers) == (thing.minutes * 60, thing.layers)
        assert (plate.printer.id, list(plate.nozzle_mm)) == (MODEL_IDS[thing.printer], [thing.nozzle_mm])
        assert [one.grams for one in plate.filaments] == pytest.approx([use.grams for use in thing.uses], abs=0.01)
        assert [one.colour for one in plate.filaments] == [BY_KEY[use.roll].first_colour for use in thing.uses]


def test_every_thing_can_be_made_but_the_one_that_waits_on_purpose():
    lying = {(model, roll) for (model, *_), roll in LOADED.items()} | {("A1MINI", "blue")}
    for thing in THINGS:
        assert {(thing.printer, use.roll) for use in thing.uses} <= lying, thing.name
    assert [thing.name for thing in THINGS if thing.nozzle_mm != 0.4] == ["Rain barrel coupling"]


@pytest.mark.parametrize("model", sorted(MODEL_IDS))
def test_the_simulated_printers_report_the_rolls_that_the_books_have_there(model: str, tmp_path: Path):
    core = PrinterCore(PrinterSpec.model_validate({"model": model} | spools_of(model)), "01P00A000000001", tmp_path)
    (pushed,) = core.handle_request({"pushing": {"command": "pushall"}})
    reported = {(slot.ams_unit, slot.slot): slot for slot in read_slots(pushed["print"])}
    lying = {(unit, slot): BY_KEY[key] for (other, unit, slot), key in LYING.items() if other == model}
    assert {place for place, slot in reported.items() if not slot.empty} == set(lying)
    for place, roll in lying.items():
        assert (reported[place].material, f"#{reported[place].colour_hex}") == (roll.material, roll.first_colour), place


def test_each_plate_has_a_picture_in_the_colours_of_its_filaments(tmp_path: Path):
    thing = next(thing for thing in THINGS if thing.name == "Cable clips")
    with zipfile.ZipFile(write_sliced(thing, tmp_path)) as archive:
        picture = Image.open(io.BytesIO(archive.read("Metadata/plate_1.png")))
        small = Image.open(io.BytesIO(archive.read("Metadata/plate_1_small.png")))
    assert (picture.size, small.size) == ((512, 512), (128, 128))
    orange = sum(r > 200 and 80 < g < 160 and b < 90 for r, g, b, a in picture.get_flattened_data() if a)
    assert orange > 5000


def test_what_is_in_front_hides_what_is_behind():
    near, far = (
        prism([(-8, -8), (8, -8), (8, 8), (-8, 8)], 20, "#FF0000", at=(0, -12)),
        lathe([(6, 0), (6, 8)], "#0000FF"),
    )
    for solids in ([near, far], [far, near]):
        with Image.open(io.BytesIO(plate_picture(solids, 128))) as picture:
            pixels = list(picture.get_flattened_data())
        assert sum(r > 120 and b < 90 for r, _, b, _ in pixels) > 10 * sum(b > 120 and r < 60 for r, _, b, _ in pixels)
    with Image.open(io.BytesIO(top_picture([near, far], 128))) as above:
        assert sum(b > 120 and r < 60 for r, _, b, _ in above.get_flattened_data()) > 100


def test_the_visitor_never_enters_a_real_shop(ctx, shop):
    with pytest.raises(NotADemo, match="belongs to a real shop"):
        make_shop([])
