"""Names of any system, and zips that nobody vouches for."""

import io
import os
import struct
import time
import unicodedata
import zipfile
import zlib
from pathlib import Path

import pytest

from printfarm.files.readers import UnreadableFile
from printfarm.library.importing.layout import lay_out
from printfarm.library.importing.names import clean_path, is_junk, zip_name
from printfarm.library.importing.plan import Plan
from printfarm.library.importing.sources import (
    BOMB,
    LINK,
    LOCKED,
    PACKED,
    Entry,
    FolderSource,
    NoSource,
    ZipSource,
    chunks_of,
)
from tests.library.importing import begin, fill, items, library, mesh_bytes, work, zipped

LONG = "Ü" * 100 + "🐉" * 20 + "x" * 130


def entry(path: str, place: str = "") -> Entry:
    return Entry(place or path, clean_path(path), 1, "1")


def zip_at(tmp_path, content: bytes) -> ZipSource:
    path = tmp_path / "sent.zip"
    path.write_bytes(content)
    return ZipSource(path)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("C:\\Users\\Jörg\\3D Models\\Dragon\\red.3mf", "Users/Jörg/3D Models/Dragon/red.3mf"),
        ("\\\\?\\C:\\x\\y.stl", "x/y.stl"),
        ("../../etc/passwd.stl", "etc/passwd.stl"),
        ("/absolute/a.stl", "absolute/a.stl"),
        ("Dragons\\Grün/a.stl", "Dragons/Grün/a.stl"),
        (unicodedata.normalize("NFD", "Käse/Öse.stl"), "Käse/Öse.stl"),
        ("🐉/🦊.gcode.3mf", "🐉/🦊.gcode.3mf"),
        ("a\0b/c\nd.stl", "ab/cd.stl"),
        ("odd\udcff.stl", "odd?.stl"),
        ("..", ""),
    ],
)
def test_a_path_is_for_people_whatever_wrote_it(raw, cleaned):
    assert clean_path(raw) == cleaned


def test_names_in_a_zip_are_read_as_they_were_meant():
    def named(raw: bytes, *, utf8: bool = False, extra: bytes = b"") -> str:
        info = zipfile.ZipInfo(raw.decode("utf-8" if utf8 else "cp437"))
        info.flag_bits, info.extra = (0x800 if utf8 else 0), extra
        return zip_name(info)

    assert named("Grün/Öse.stl".encode("cp437")) == "Grün/Öse.stl"
    assert named("Grün/Öse.stl".encode()) == "Grün/Öse.stl"  # a Mac, which forgets the flag
    assert named("Grün 🐉.stl".encode(), utf8=True) == "Grün 🐉.stl"
    raw, meant = b"Gr_n.stl", "Grün.stl".encode()
    body = b"\x01" + zlib.crc32(raw).to_bytes(4, "little") + meant
    assert named(raw, extra=struct.pack("<2H", 0x7075, len(body)) + body) == "Grün.stl"
    other = b"\x01\0\0\0\0" + meant  # speaks of another name
    assert named(raw, extra=struct.pack("<2H", 0x7075, len(other)) + other) == "Gr_n.stl"
    assert named(raw, extra=b"\x75\x70\xff\xff\x01") == "Gr_n.stl"


@pytest.mark.parametrize(
    "path", ["__MACOSX/._a.stl", "a/.DS_Store", ".hidden/a.stl", "a/Thumbs.db", "@eaDir/a.stl", "x/._b.stl"]
)
def test_what_computers_leave_is_no_file_of_anybody(path):
    assert is_junk(path)


def test_the_nearest_folder_that_does_not_only_sort_names_the_model():
    laid = lay_out(
        [entry("Dragons/Red/gcode/plate.gcode"), entry("Dragons/Red/STL/wing.stl"), entry("gcode/a.gcode")], Plan()
    )
    assert {group.name: group.path for group in laid.groups.values()} == {"Red": "Dragons/Red", "gcode": "gcode"}


def test_two_folders_of_one_name_are_two_models_and_say_so():
    laid = lay_out([entry("Small/Dragon/a.stl"), entry("Large/Dragon/b.stl"), entry("Fox/c.stl")], Plan())
    assert sorted(group.name for group in laid.groups.values()) == ["Dragon (Large)", "Dragon (Small)", "Fox"]


def test_files_of_one_name_in_a_folder_become_variants_of_different_names():
    laid = lay_out([entry(f"Fox/{name}") for name in ("fox.stl", "fox.gcode.3mf", "Fox.stl", "gcode/fox.stl")], Plan())
    names = [placed.name.casefold() for placed in laid.items]
    assert len(set(names)) == len(names) == 4


def test_very_many_files_of_one_folder_and_of_one_name_are_laid_out_quickly():
    several = [entry(f"Fox/part {n}.stl") for n in range(10_000)]
    same = [entry(f"Wolf {n}/wolf.stl") for n in range(10_000)]
    plan = Plan(models=[{"folder": f"Wolf {n}", "name": "Wolf"} for n in range(10_000)])
    began = time.process_time()
    laid = lay_out([*several, *same], plan)
    assert time.process_time() - began < 10
    assert len({(placed.group, placed.name.casefold()) for placed in laid.items}) == 20_000
    assert "wolf (9999)" in {placed.name for placed in laid.items}


def test_a_name_of_250_characters_fits(app, shop, tmp_path):
    folder = fill(tmp_path / "in", {f"{'ä' * 110}/{'x' * 240}.obj": mesh_bytes()})
    import_id = begin(app, shop.id, folder)
    assert work(app, shop.id, import_id).state == "done"
    [(model, [variant])] = library(app, shop.id).items()
    assert (len(model), len(variant)) == (110, 120)


def test_names_with_umlauts_emoji_and_bytes_that_are_no_text_are_taken_in(app, shop, tmp_path):
    folder = fill(tmp_path / "in", {unicodedata.normalize("NFD", "Häschen 🐇/Möhre.obj"): mesh_bytes(2)})
    odd = os.fsencode(folder) + b"/caf\xe9"
    Path(os.fsdecode(odd)).mkdir()
    Path(os.fsdecode(odd + b"/cup\xff.obj")).write_bytes(mesh_bytes(3))
    import_id = begin(app, shop.id, folder)
    work(app, shop.id, import_id)
    assert library(app, shop.id) == {"Häschen 🐇": ["Möhre"], "caf�": ["cup�"]}


def test_links_and_pipes_in_a_folder_are_not_followed(app, shop, tmp_path):
    fill(tmp_path / "secret", {"key.obj": mesh_bytes(7)})
    folder = fill(tmp_path / "in", {"Fox/fox.obj": mesh_bytes()})
    (folder / "Fox" / "link.obj").symlink_to(tmp_path / "secret" / "key.obj")
    (folder / "elsewhere").symlink_to(tmp_path / "secret")
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "Fox" / "pipe.obj")
    import_id = begin(app, shop.id, folder)
    work(app, shop.id, import_id)
    found = items(app, shop.id, import_id)
    assert library(app, shop.id) == {"Fox": ["fox"]}
    assert found["Fox/link.obj"].sentence == LINK
    assert found["Fox/pipe.obj"].sentence == "This is no plain file."
    with pytest.raises(UnreadableFile, match="Links are not followed"):
        FolderSource(folder).open("..%2Fsecret%2Fkey.obj")


def test_a_link_in_a_zip_is_not_followed(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("Fox/link.stl")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    [found] = zip_at(tmp_path, out.getvalue()).entries()
    assert found.problem == LINK


def test_a_zip_that_would_unpack_beyond_measure_is_not_opened(tmp_path):
    with pytest.raises(NoSource, match="as zip bombs do"):
        zip_at(tmp_path, zipped({f"{n}.stl": bytes(30_000_000) for n in range(2)}))


def test_one_entry_that_is_a_bomb_is_refused_and_the_others_are_not(tmp_path):
    source = zip_at(tmp_path, zipped({"bomb.stl": bytes(30_000_000), "fine.stl": os.urandom(500_000)}))
    problems = {found.path: found.problem for found in source.entries()}
    assert problems == {"bomb.stl": BOMB, "fine.stl": None}


def test_an_entry_that_states_less_than_it_holds_is_damaged(tmp_path):
    content = bytearray(zipped({"Fox/fox.stl": b"x" * 5000}))
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = content.index(mark) + at
        content[start : start + 4] = (10).to_bytes(4, "little")
    source = zip_at(tmp_path, bytes(content))
    with pytest.raises(UnreadableFile, match="damaged"):
        list(chunks_of(source, "0", 1000))


def test_locked_and_strangely_packed_entries_say_so(tmp_path):
    locked = bytearray(zipped({"a.stl": b"x" * 100}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + at] |= 1
    [found] = zip_at(tmp_path, bytes(locked)).entries()
    assert found.problem == LOCKED
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.stl", b"x" * 100)
    [found] = zip_at(tmp_path, out.getvalue()).entries()
    assert found.problem == PACKED


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x05\x06", zipped({"a.stl": b"x"})[:-8]])
def test_what_is_no_zip_is_refused_with_a_sentence(tmp_path, content):
    with pytest.raises(NoSource):
        zip_at(tmp_path, content)


def test_a_zip_with_more_entries_than_anybody_has_is_refused(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(50_001):
            archive.writestr(f"{number}.stl", b"")
    with pytest.raises(NoSource, match="50001 files"):
        zip_at(tmp_path, out.getvalue())
