"""A variant learns where its grams go when the moves of its file are counted, whoever comes first."""

import threading
import zipfile
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from printfarm.core.live import render_events
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import scans
from printfarm.files.events import FileScanProgressed
from printfarm.files.sample_builder import PlateSpec, SampleFilament, sliced_3mf_entries
from printfarm.library.counted import fill_variants_of, used_shares
from printfarm.library.models import FilamentRequirement, Plate, Variant
from tests.support.uploads import arrive, arrive_and_read, count, read, save, sliced

PURGING = (
    SampleFilament(slot=1, grams=8.0),
    SampleFilament(slot=2, colour="#1565C0", grams=4.0, purge_grams=1.5, tower_grams=0.5, support_grams=0.25),
)
PLATES = (PlateSpec(index=1, filaments=PURGING), PlateSpec(index=3, filaments=PURGING[:1]))


def needs(person) -> list[tuple]:
    """Everything that the count may touch, in a fixed order."""
    with person.app.app_context(), read_only(person.shop_id) as db:
        found = db.execute(
            select(Plate, FilamentRequirement)
            .join(FilamentRequirement, FilamentRequirement.plate_id == Plate.id)
            .order_by(Plate.number, FilamentRequirement.slot)
        )
        return [
            (
                p.number,
                p.layers,
                tuple(w["code"] for w in p.warnings),
                n.slot,
                n.total_mg,
                n.model_mg,
                n.purge_mg,
                n.waste_mg,
            )
            for p, n in found
        ]


def made_of(person, upload_id: UUID) -> UUID:
    saved = save(person, upload_id)
    assert saved.status == 303, saved.text
    return UUID(str(saved.location).rsplit("/", 1)[1])


COUNTED = [
    (1, 20, (), 1, 8000, 8000, 0, 0),
    (1, 20, (), 2, 4000, 2000, 1500, 500),
    (3, 20, (), 1, 8000, 8000, 0, 0),
]


def test_answered_after_the_count(olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path, plates=PLATES))
    count(olga, upload_id)
    made_of(olga, upload_id)
    assert needs(olga) == COUNTED


def test_answered_before_the_count(olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path, plates=PLATES))
    made_of(olga, upload_id)
    assert [row[5:] for row in needs(olga)] == [(None, None, None)] * 3
    count(olga, upload_id)
    assert needs(olga) == COUNTED


def test_answered_during_the_count(app, olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path, plates=PLATES))
    with app.app_context(), unit_of_work(olga.shop_id) as db:
        scans.start_scan(db, upload_id)
    made_of(olga, upload_id)
    count(olga, upload_id)
    assert needs(olga) == COUNTED


def test_both_at_the_same_moment_lose_nothing(app, olga, tmp_path) -> None:
    """Neither the answer nor the count may look away while the other is about to commit."""
    upload_id = arrive_and_read(olga, sliced(tmp_path, plates=PLATES))
    page = olga.get(f"/library/uploads/{upload_id}")
    assert page.status == 200
    started = threading.Barrier(2)

    def counting() -> None:
        started.wait()
        count(olga, upload_id)

    other = threading.Thread(target=counting)
    other.start()
    started.wait()
    made_of(olga, upload_id)
    other.join()
    assert needs(olga) == COUNTED


def test_the_count_done_twice_leaves_the_same(app, olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path, plates=PLATES))
    made_of(olga, upload_id)
    count(olga, upload_id)
    with app.app_context(), unit_of_work(olga.shop_id) as db:
        fill_variants_of(db, upload_id)
    assert needs(olga) == COUNTED


def edited(folder: Path) -> Path:
    """A file whose moves were changed after slicing, with the checksum as it was."""
    entries = sliced_3mf_entries((PlateSpec(filaments=PURGING),))
    name = "Metadata/plate_1.gcode"
    entries[name] = entries[name].replace(b"; FEATURE: Outer wall\n", b"; FEATURE: Outer wall\nG1 X1 Y1 E90\n")
    path = folder / "edited.gcode.3mf"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)
    return path


@pytest.mark.parametrize("first", ["answer", "count"])
def test_what_looks_wrong_is_told_whoever_comes_first(olga, tmp_path, first) -> None:
    upload_id = arrive_and_read(olga, edited(tmp_path))
    if first == "count":
        count(olga, upload_id)
    variant_id = made_of(olga, upload_id)
    if first == "answer":
        count(olga, upload_id)
    assert {row[2] for row in needs(olga)} == {("md5_differs", "edited_after_slicing")}
    assert "probably edited after slicing" in olga.get(f"/library/variants/{variant_id}").text


def test_the_page_shows_the_count_and_then_the_split(bob, olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path, plates=PLATES))
    url = f"/library/variants/{made_of(olga, upload_id)}"
    waiting = bob.get(url)
    assert waiting.one("#counting progress")
    assert waiting.one("#counting")["hx-get"] == url
    assert "changed:counts" in waiting.one("#counting")["hx-trigger"]
    assert waiting.one("noscript meta")["http-equiv"] == "refresh"
    count(olga, upload_id)
    done = bob.get(url)
    assert not done.all("#counting")
    assert not done.all("noscript meta[http-equiv=refresh]")
    assert "colour changes 1.5 g" in done.text
    assert "tower 0.5 g" in done.text


def test_the_bar_moves_on_open_pages(app, olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    with app.app_context():
        with unit_of_work(olga.shop_id) as db:
            scans.start_scan(db, upload_id)
        with unit_of_work(olga.shop_id) as db:
            scans.note_scan(db, upload_id, 42, None)
        pushed, _topics = render_events(
            app, olga.shop_id, [FileScanProgressed(shop_id=olga.shop_id, file_id=upload_id)]
        )
    assert f'id="counting-bar-{upload_id}" hx-swap-oob="true"' in str(pushed)
    assert 'value="42"' in str(pushed)


def test_a_failed_count_is_told_and_can_be_begun_anew(app, bob, olga, charlie, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path, plates=PLATES))
    url = f"/library/variants/{made_of(olga, upload_id)}"
    with app.app_context(), unit_of_work(olga.shop_id) as db:
        scans.fail_scan(db, upload_id, "The worker ran out of luck.")
    page = olga.get(url)
    assert "The worker ran out of luck." in page.text
    assert page.one(f"form[action='{url}/count'] button").get_text(strip=True) == "Count again"
    assert bob.post(f"{url}/count").status == 403
    assert charlie.post(f"{url}/count").status == 404
    assert olga.post(f"{url}/count").status == 303
    assert olga.get(url).one("#counting progress")
    count(olga, upload_id)
    assert needs(olga) == COUNTED


def test_what_did_not_fail_is_not_counted_again(olga, tmp_path) -> None:
    upload_id = arrive_and_read(olga, sliced(tmp_path))
    variant_id = made_of(olga, upload_id)
    assert olga.post(f"/library/variants/{variant_id}/count").status == 409
    count(olga, upload_id)
    assert olga.post(f"/library/variants/{variant_id}/count").status == 409


def test_how_much_is_used_after_some_layers(app, olga, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path, plates=PLATES))
    read(olga, upload_id)
    made_of(olga, upload_id)

    def shares(number: int, layers: int) -> dict[int, float] | None:
        with app.app_context(), read_only(olga.shop_id) as db:
            (variant,) = db.scalars(select(Variant))
            plate = db.scalars(select(Plate).where(Plate.variant_id == variant.id, Plate.number == number)).one()
            return used_shares(db, plate, layers)

    assert shares(1, 10) is None
    count(olga, upload_id)
    assert shares(1, 10) == {1: pytest.approx(0.5, abs=0.05), 2: pytest.approx(0.5, abs=0.05)}
    assert shares(3, 20) == {1: 1.0}
    assert shares(3, 0) == {1: 0.0}
