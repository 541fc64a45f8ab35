"""A folder becomes models, variants and pictures: looked into first, each file once, and what is left out says why."""

from tests.library.importing import (
    begin,
    fill,
    items,
    library,
    mesh_bytes,
    picture_bytes,
    sliced_bytes,
    states,
    work,
)


def test_folders_become_models_and_files_their_variants(app, shop, tmp_path):
    folder = fill(
        tmp_path / "library",
        {
            "Dragons/Red dragon/red_0.2mm.gcode.3mf": sliced_bytes(layers=3),
            "Dragons/Red dragon/stl/wing.obj": mesh_bytes(2),
            "Dragons/Red dragon/images/front.png": picture_bytes("red"),
            "Dragons/cover.png": picture_bytes("blue"),
            "Key tag.gcode.3mf": sliced_bytes(layers=5),
            "notes.txt": b"hello",
        },
    )
    import_id = begin(app, shop.id, folder)
    done = work(app, shop.id, import_id)
    assert (done.state, done.others) == ("done", 1)
    assert library(app, shop.id) == {"Red dragon": ["red 0.2mm", "wing"], "Key tag": ["Key tag"]}
    found = items(app, shop.id, import_id)
    assert found["Dragons/Red dragon/images/front.png"].state == "done"
    assert found["Dragons/cover.png"].sentence == (
        "No sliced file and no mesh lies beside this picture, so it belongs to no model."
    )


def test_a_plan_changes_nothing(app, shop, tmp_path):
    folder = fill(tmp_path / "library", {"Fox/fox.gcode.3mf": sliced_bytes()})
    import_id = begin(app, shop.id, folder, goal="plan")
    assert work(app, shop.id, import_id).state == "planned"
    assert states(app, shop.id, import_id) == {"Fox/fox.gcode.3mf": "ready"}
    assert library(app, shop.id) == {}


def test_twins_are_left_out_and_unreadable_files_say_why(app, shop, tmp_path):
    same = sliced_bytes()
    folder = fill(
        tmp_path / "library",
        {"A/one.gcode.3mf": same, "B/two.gcode.3mf": same, "C/torn.3mf": same[:200], "C/empty.gcode": b""},
    )
    import_id = begin(app, shop.id, folder)
    work(app, shop.id, import_id)
    found = items(app, shop.id, import_id)
    assert found["B/two.gcode.3mf"].sentence == "The same as A/one.gcode.3mf."
    assert found["C/empty.gcode"].sentence == "This file is empty."
    assert found["C/torn.3mf"].state == "failed"
    assert found["C/torn.3mf"].sentence
    assert library(app, shop.id) == {"A": ["one"]}


def test_running_twice_imports_nothing_twice(app, shop, tmp_path):
    folder = fill(tmp_path / "library", {"Fox/fox.gcode.3mf": sliced_bytes(), "Fox/fox.png": picture_bytes()})
    first = begin(app, shop.id, folder)
    work(app, shop.id, first)
    before = library(app, shop.id)
    fill(folder, {"Fox/fox fine.gcode.3mf": sliced_bytes(layers=9)})
    second = begin(app, shop.id, folder)
    work(app, shop.id, second)
    found = items(app, shop.id, second)
    assert found["Fox/fox.gcode.3mf"].sentence == "This shop has the same file already: Fox, fox, version 1."
    assert found["Fox/fox.png"].sentence == "This picture came in with an earlier import."
    assert before == {"Fox": ["fox"]}
    assert library(app, shop.id) == {"Fox": ["fox", "fox fine"]}


def test_a_second_folder_adds_to_the_model_of_its_name_whatever_its_letters(app, shop, olga, tmp_path):
    for number, name in enumerate(("Übertopf", "Über 🐇 ЁЖ"), start=1):
        for part in ("one", "two"):
            folder = fill(
                tmp_path / part / str(number),
                {f"{name}/{part}.obj": mesh_bytes(10 * number + len(name) * (part == "two"))},
            )
            import_id = begin(app, shop.id, folder, goal="plan")
            work(app, shop.id, import_id)
            assert ("in the library already" in olga.get(f"/library/imports/{import_id}").text) is (part == "two")
            olga.post(f"/library/imports/{import_id}/start", {"goal": "import"})
            work(app, shop.id, import_id)
        assert library(app, shop.id)[name] == ["one", "two"]
    assert len(library(app, shop.id)) == 2
