"""A photo of a label, decoded by the server: however it was taken, and whatever somebody sends instead."""

import io
import os
import time
from pathlib import Path

import pytest

from printfarm.core.headers import CAMERA_ALLOWED
from printfarm.files.receiving import drafts_folder
from printfarm.floor import child, photos
from tests.floor.pictures import SIDEWAYS, jpeg, photo_of, png_bomb, qr


def send(person, content: bytes, name: str = "photo.jpg"):
    return person.post("/scan/photo", {"photo": (io.BytesIO(content), name)})


def test_a_photo_opens_the_record(bob, shelf):
    answer = send(bob, jpeg(photo_of(f"https://old-address.example/c/{shelf.spool_code}")))
    assert (answer.status, answer.location) == (303, f"/c/{shelf.spool_code}")
    answer = send(bob, jpeg(photo_of(f"http://127.0.0.1:8000/c/{shelf.printer_code}")))
    assert bob.get(answer.location).location == shelf.printer


def test_several_labels_on_one_photo_are_a_choice(bob, shelf):
    picture = photo_of(
        f"http://x/c/{shelf.spool_code}", "https://elsewhere.example/", f"http://x/c/{shelf.printer_code}"
    )
    answer = send(bob, jpeg(picture))
    assert answer.status == 200
    assert {link["href"] for link in answer.all(".rows a")} == {f"/c/{shelf.spool_code}", f"/c/{shelf.printer_code}"}
    assert answer.headers["Permissions-Policy"] == CAMERA_ALLOWED


def test_several_labels_of_another_shop_are_not_shown(charlie, shelf):
    picture = photo_of(f"http://x/c/{shelf.spool_code}", f"http://x/c/{shelf.printer_code}")
    answer = send(charlie, jpeg(picture))
    assert answer.status == 422
    assert "Galaxy Black" not in answer.text
    assert "None of these labels is from this shop" in answer.text


@pytest.mark.parametrize(
    ("drawn", "sentence"),
    [
        (lambda: jpeg(photo_of()), "No QR code was found on this picture."),
        (lambda: jpeg(photo_of("https://example.com/menu")), "That is not one of our labels."),
        (lambda: b"%PDF-1.7 no picture", "This is no picture that can be read here."),
        (lambda: b"", "This is no picture that can be read here."),
        (lambda: jpeg(photo_of("http://x/c/K7M2QX"))[:9000], "This picture is damaged."),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "This is no picture that can be read here."),
        (lambda: png_bomb(30_000, 30_000), "This picture has too many pixels."),
    ],
    ids=["no code", "another code", "a PDF", "empty", "cut off", "SVG", "bomb"],
)
def test_what_cannot_be_read_is_a_sentence(bob, drawn, sentence):
    answer = send(bob, drawn())
    assert answer.status == 422
    assert sentence in answer.text
    assert answer.one("form[action='/scan/photo']")


def test_a_form_without_a_picture_is_a_sentence(bob):
    answer = bob.post("/scan/photo", {"photo": (io.BytesIO(b""), "")})
    assert answer.status == 422
    assert "Choose or take a picture first" in answer.text


def test_more_than_fifteen_megabytes_are_refused(bob):
    answer = send(bob, b"\xff\xd8" + os.urandom(photos.LARGEST_BYTES + 1))
    assert answer.status == 413
    assert "larger than 15 MB" in answer.text
    assert send(bob, b"\xff\xd8" + bytes(photos.LARGEST_BYTES + 200_000)).status == 413


def test_the_form_must_be_ours(bob):
    bob.browser.client.get("/scan")
    sent = {"photo": (io.BytesIO(jpeg(qr("http://x/c/K7M2QX"))), "a.jpg"), "csrf_token": "invented"}
    assert bob.browser.client.post("/scan/photo", data=sent).status_code == 400


def test_nothing_of_a_photo_is_kept(ctx, bob, shelf):
    send(bob, jpeg(photo_of(f"http://x/c/{shelf.spool_code}")))
    send(bob, b"no picture")
    assert list(drafts_folder().iterdir()) == []


def found_in(content: bytes, folder: Path) -> list[str]:
    photo = folder / "photo"
    photo.write_bytes(content)
    return child.find_codes(photo)


def test_a_phone_held_sideways(tmp_path):
    turned = photo_of("http://x/c/K7M2QX").rotate(90, expand=True)
    assert found_in(jpeg(turned, orientation=SIDEWAYS), tmp_path) == ["http://x/c/K7M2QX"]


@pytest.mark.parametrize("angle", [0, 33, 90, 180, 200])
def test_a_label_held_at_any_angle(tmp_path, angle):
    assert found_in(jpeg(photo_of("http://x/c/K7M2QX", angle=angle)), tmp_path) == ["http://x/c/K7M2QX"]


def test_a_small_label_on_a_large_photo(tmp_path):
    """Twelve megapixels, the label across the shelf: not to be seen in the small copy that is tried first."""
    picture = photo_of("http://192.168.1.20:8000/c/K7M2QX", size=(4000, 3000), side_px=150, angle=3)
    assert found_in(jpeg(picture), tmp_path) == ["http://192.168.1.20:8000/c/K7M2QX"]


def test_white_on_nothing_is_black_on_white(tmp_path):
    code = qr("http://x/c/K7M2QX").convert("L")
    see_through = code.convert("RGBA")
    see_through.putalpha(code.point(lambda value: 255 - value))
    out = io.BytesIO()
    see_through.save(out, "PNG")
    assert found_in(out.getvalue(), tmp_path) == ["http://x/c/K7M2QX"]


def test_a_large_picture_within_the_limit_is_read_in_bounded_memory_and_time(ctx, tmp_path, monkeypatch):
    """39 megapixels of nothing: the reader's own process takes what it needs and this one stays as it was."""
    from werkzeug.datastructures import FileStorage

    began = time.monotonic()
    assert photos.codes_on(FileStorage(io.BytesIO(png_bomb(6250, 6250)), "a.png")) == []
    assert time.monotonic() - began < photos.WALL_S


def test_a_reader_that_dies_is_a_sentence(ctx, monkeypatch):
    from werkzeug.datastructures import FileStorage

    monkeypatch.setattr(photos, "WALL_S", 0.01)
    with pytest.raises(photos.BadPhoto, match="took too long"):
        photos.codes_on(FileStorage(io.BytesIO(jpeg(photo_of("http://x/c/K7M2QX"))), "a.jpg"))
