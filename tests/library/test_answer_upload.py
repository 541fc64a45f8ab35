"""A person says what an uploaded file is, and it becomes a variant."""

from pathlib import Path

from printfarm.files.sample_builder import PlateSpec, SampleFilament
from tests.support.uploads import arrive_and_read, save, sliced

TWO_COLOURS = (
    PlateSpec(index=1, name="Body", filaments=(SampleFilament(slot=1, colour="#C62828", grams=8.0),)),
    PlateSpec(index=2, name="Eyes", filaments=(SampleFilament(slot=2, colour="#1565C0", grams=2.0),)),
)


def test_a_sliced_file_becomes_a_variant_with_its_plates(alice, tmp_path: Path) -> None:
    upload_id = arrive_and_read(alice, sliced(tmp_path, plates=TWO_COLOURS, title="Fox", designer="Ann"))
    saved = save(alice, upload_id)
    assert saved.status == 303, saved.text
    page = alice.get(saved.location)
    assert page.one("h1").get_text() == "P1S 0.2 mm"
    assert [h.get_text() for h in page.all(".grid h2")] == ["Body", "Eyes"]
    assert "8.0 g" in page.text
    assert len(page.all(".grid img[src*='/files/pictures/']")) == 2
    assert "Fox" in alice.get("/library/").text
