"""Pictures are told by their bytes, checked before they are decoded, and written anew before they are served."""

import io
import subprocess
import sys

import pytest
from PIL import Image

from printfarm.files.readers import Limits, Thumbnail, UnreadableFile, thumbnail_webp
from printfarm.files.readers.pictures import picture_size, text_thumbnails, thumbnail
from tests.files.readers.builders import png, png_bomb, text_thumbnail
from tests.processes.running import ROOT


def encoded(form: str, width: int = 30, height: int = 20) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "#FF6A13").save(out, form)
    return out.getvalue()


@pytest.mark.parametrize(("form", "name"), [("PNG", "png"), ("JPEG", "jpg"), ("QOI", "qoi")])
def test_the_size_is_known_without_decoding(form, name):
    assert picture_size(encoded(form)) == (name, 30, 20)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "QOI"])
def test_a_picture_is_written_anew_as_webp(form):
    picture = thumbnail("gcode", encoded(form, 900, 600), Limits())
    with Image.open(io.BytesIO(thumbnail_webp(picture, max_side_px=300))) as image:
        assert (image.format, image.size) == ("WEBP", (300, 200))


def test_no_decoder_is_loaded_of_which_nobody_has_need(tmp_path):
    """A file's author could find a hole in any of them; and to load all takes longer than to read a small file."""
    for number, form in enumerate(("PNG", "JPEG", "QOI", "BMP")):
        (tmp_path / str(number)).write_bytes(encoded(form))
    code = (
        "import sys, pathlib; from printfarm.files.readers import Limits, thumbnail_webp;"
        "from printfarm.files.readers.pictures import thumbnail;"
        "[thumbnail_webp(thumbnail('gcode', one.read_bytes(), Limits())) for one in pathlib.Path(sys.argv[1]).iterdir()];"
        "print([name for name in sys.modules if name.endswith(('PsdImagePlugin', 'TiffImagePlugin', 'PdfParser'))])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg onload='x'/>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_anything_else_is_no_picture(content):
    assert thumbnail("plate", content, Limits()) is None


def test_a_huge_picture_is_never_decoded():
    assert thumbnail("plate", png_bomb(), Limits()) is None
    smuggled = Thumbnail("plate", 10, 10, "png", png_bomb(5000))
    with pytest.raises(UnreadableFile, match="too large"):
        thumbnail_webp(smuggled)


@pytest.mark.parametrize("keep", [34, 60])
def test_a_damaged_picture_is_a_sentence(keep):
    picture = thumbnail("plate", png(64, 64)[:keep], Limits())
    with pytest.raises(UnreadableFile, match="damaged"):
        thumbnail_webp(picture)


def test_the_largest_useful_picture_of_a_g_code_comes_first():
    sizes = [(16, 16), (220, 124), (1600, 1200), (640, 480)]
    head = "\n" + "".join(text_thumbnail(png(w, h), w, h) for w, h in sizes)
    assert [t.width for t in text_thumbnails(head.encode(), Limits())] == [640, 220, 16, 1600]


@pytest.mark.parametrize("times", ["x", "*", " x "])
@pytest.mark.parametrize("tag", ["thumbnail", "thumbnail_JPG", "thumbnail_QOI", "png"])
def test_the_forks_spell_the_block_differently(tag, times):
    head = "\n" + text_thumbnail(png(48, 32), 48, 32, tag, times)
    assert [(t.width, t.height, t.format) for t in text_thumbnails(head.encode(), Limits())] == [(48, 32, "png")]


def test_of_two_pictures_of_one_size_the_png_is_taken():
    head = "\n" + text_thumbnail(encoded("QOI"), 30, 20, "thumbnail_QOI") + text_thumbnail(encoded("PNG"), 30, 20)
    assert [t.format for t in text_thumbnails(head.encode(), Limits())] == ["png", "qoi"]
