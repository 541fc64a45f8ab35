"""Vendors, filaments and spools: made, changed, found, sorted and deleted as Spoolman's clients do it."""

import pytest
from sqlalchemy import select

from printfarm.core.work import read_only
from printfarm.filament.models import Filament, Spool, StockEntry


def test_a_spool_looks_as_clients_expect_it(program, roll):
    told = program.get(f"/spool/{roll.number}").json
    assert told["registered"].endswith("Z")
    assert (told["remaining_weight"], told["used_weight"], told["initial_weight"]) == (1000, 0, 1000)
    assert (told["archived"], told["extra"], told["used_length"]) == (False, {}, 0)
    assert told["remaining_length"] == pytest.approx(335_280, rel=0.01)
    assert "location" not in told
    filament = told["filament"]
    assert (filament["name"], filament["material"], filament["color_hex"]) == ("Black", "PLA", "111111")
    assert (filament["density"], filament["diameter"], filament["weight"]) == (1.24, 1.75, 1000)
    assert filament["vendor"]["name"] == "Prusament"


def test_from_vendor_to_spool(program):
    vendor = program.post("/vendor", {"name": "Polymaker", "empty_spool_weight": 140.5, "comment": "good"}).json
    assert (vendor["empty_spool_weight"], vendor["comment"], vendor["extra"]) == (140.5, "good", {})
    body = {
        "name": "Rainbow",
        "vendor_id": vendor["id"],
        "material": "PLA",
        "density": 1.24,
        "diameter": 1.75,
        "price": 19.99,
        "weight": 750,
        "multi_color_hexes": "ff0000,#00ff00",
        "multi_color_direction": "longitudinal",
        "settings_extruder_temp": 210,
        "external_id": "poly_rainbow",
    }
    made = program.post("/filament", body).json
    assert (made["multi_color_hexes"], made["multi_color_direction"]) == ("FF0000,00FF00", "longitudinal")
    assert (made["price"], made["settings_extruder_temp"], made["external_id"]) == (19.99, 210, "poly_rainbow")
    spool = program.post("/spool", {"filament_id": made["id"], "price": 17.49, "used_weight": 50, "lot_nr": "L1"}).json
    assert (spool["remaining_weight"], spool["initial_weight"], spool["price"]) == (700, 750, 17.49)
    assert spool["spool_weight"] == 140.5
    again = program.get(f"/spool/{spool['id']}").json
    assert again == spool


def test_a_patch_changes_what_was_sent_and_nothing_else(program, roll, in_shop):
    spool = f"/spool/{roll.number}"
    program.patch(spool, {"location": "Shelf A", "comment": "x"})
    told = program.patch(spool, {"comment": None, "remaining_weight": 812.345}).json
    assert (told["location"], told.get("comment"), told["remaining_weight"]) == ("Shelf A", None, 812.345)
    assert program.patch(spool, {"used_weight": 100}).json["remaining_weight"] == 900
    assert program.patch(spool, {"initial_weight": 2000}).json["remaining_weight"] == 1900
    assert program.patch(spool, {"archived": True}).json["archived"] is True
    assert program.get("/spool").json == []
    assert len(program.get("/spool?allow_archived=true").json) == 1
    assert program.patch(spool, {"archived": False}).json["archived"] is False
    told = program.patch(f"/filament/{roll.filament}", {"settings_bed_temp": 65, "name": "Black"}).json
    assert (told["settings_bed_temp"], told["density"]) == (65, 1.24)
    causes = list(in_shop.scalars(select(StockEntry.cause).order_by(StockEntry.id)))
    assert causes == ["received", "correction", "correction", "correction"]


def test_a_scale_tells_what_is_left(program, roll):
    assert program.put(f"/spool/{roll.number}/measure", {"weight": 700}).status_code == 400
    program.patch(f"/spool/{roll.number}", {"spool_weight": 200})
    assert program.put(f"/spool/{roll.number}/measure", {"weight": 700}).json["remaining_weight"] == 500
    assert program.put(f"/spool/{roll.number}/measure", {"weight": 100}).status_code == 400


def test_deleted_means_gone_for_clients_and_kept_for_people(app, shop, program, roll, in_shop):
    assert program.delete(f"/filament/{roll.filament}").status_code == 409
    assert program.delete(f"/spool/{roll.number}").json == {"message": "Success!"}
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("PUT", "/use"), ("PUT", "/measure")):
        answer = program.ask(method, f"/spool/{roll.number}{path}", json={"weight": 1} if path else {})
        assert answer.status_code == 404, method
        assert "message" in answer.json
    assert program.get("/spool?allow_archived=true").json == []
    spool = in_shop.get(Spool, roll.id)
    assert (spool.state, spool.remaining_mg) == ("discarded", 0)
    assert program.delete(f"/filament/{roll.filament}").status_code == 200
    assert program.get(f"/filament/{roll.filament}").status_code == 404
    with app.app_context(), read_only(shop.id) as db:
        assert db.get(Filament, roll.filament_id).archived_at is not None


def test_lists_are_found_by_part_of_a_word_and_come_in_pieces(program, roll):
    for name, location in (("Alpha", "Shelf A"), ("Beta", "Shelf B"), ("Gamma", "")):
        body = {"name": name, "material": "PETG", "density": 1.27, "diameter": 1.75, "color_hex": "FF0000"}
        made = program.post("/filament", body).json
        program.post("/spool", {"filament_id": made["id"], "location": location})

    def names(query):
        answer = program.get(f"/spool?{query}")
        return [one["filament"]["name"] for one in answer.json], int(answer.headers["X-Total-Count"])

    assert names("filament.name=alp,BETA") == (["Alpha", "Beta"], 2)
    assert names('filament.name="Alpha"') == (["Alpha"], 1)
    assert names("location=shelf&sort=location:desc") == (["Beta", "Alpha"], 2)
    assert names("location=") == (["Black", "Gamma"], 2)
    assert names("filament.material=petg&limit=1&offset=1&sort=filament.name:asc") == (["Beta"], 3)
    assert names(f"filament.id={roll.filament}") == (["Black"], 1)
    assert names("filament.vendor.id=-1")[1] == 3
    assert names("filament.vendor.name=prusa") == (["Black"], 1)
    assert names("sort=remaining_weight:asc,id:desc")[1] == 4
    red = program.get("/filament?color_hex=FE0101&color_similarity_threshold=5").json
    assert [one["name"] for one in red] == ["Alpha", "Beta", "Gamma"]
    assert program.get("/vendor?name=prus").json[0]["name"] == "Prusament"
    assert program.get("/material").json == ["PETG", "PLA"]
    assert program.get("/location").json == ["Shelf A", "Shelf B"]


def test_a_list_that_nobody_can_make_is_refused(program):
    for query in (
        "sort=no:asc",
        "sort=id:up",
        "limit=-1",
        "limit=x",
        "filament.id=x",
        f"offset={'9' * 80}",
        "filament.vendor.id=1,",
        "filament.id=" + "9" * 5000,
    ):
        answer = program.get(f"/spool?{query}")
        assert (answer.status_code, list(answer.json)) == (422, ["detail"]), query


REFUSED = [
    ("/vendor", {}, 422),
    ("/vendor", {"name": ""}, 422),
    ("/vendor", {"name": "x" * 65}, 422),
    ("/vendor", {"name": "x\x00y"}, 422),
    ("/vendor", {"name": "Prusament"}, 409),
    ("/vendor", {"name": "A", "empty_spool_weight": -1}, 422),
    ("/vendor", {"name": "A", "extra": {"unknown": '"x"'}}, 400),
    ("/vendor", {"name": "A", "extra": {"k": 5}}, 422),
    ("/vendor", {"name": "A", "extra": "text"}, 422),
    ("/filament", {"density": 0, "diameter": 1.75}, 422),
    ("/filament", {"density": 1.24}, 422),
    ("/filament", {"density": 0.0001, "diameter": 1.75}, 422),  # as it is kept it is none, and every list divides by it
    ("/filament", {"density": 1.24, "diameter": 0.004}, 422),
    ("/filament", {"density": 1.24, "diameter": 1.75, "color_hex": "red"}, 422),
    ("/filament", {"density": 1.24, "diameter": 1.75, "vendor_id": 99}, 404),
    ("/filament", {"density": 1.24, "diameter": 1.75, "price": 1e12}, 422),
    ("/spool", {"filament_id": 99}, 404),
    ("/spool", {"filament_id": 10**15}, 422),
    ("/spool", {"filament_id": 1, "remaining_weight": 1e9}, 422),
    ("/spool", {"filament_id": 1, "remaining_weight": 1, "used_weight": 1}, 400),
    ("/spool", {"filament_id": 1, "first_used": "yesterday"}, 422),
    ("/spool", {"filament_id": 1, "first_used": "0001-01-01T00:00:00+14:00"}, 422),
    ("/spool", [], 422),
]


def test_what_cannot_be_is_refused_in_the_shape_that_clients_know(program, roll):
    for path, body, status in REFUSED:
        answer = program.post(path, body)
        assert answer.status_code == status, (path, body, answer.get_data(as_text=True))
        assert list(answer.json) == (["detail"] if status == 422 else ["message"]), (path, body)


def test_an_unknown_number_or_path_is_not_found(program):
    for path in (
        "/spool/77",
        "/spool/99999999999999",
        "/filament/77",
        "/vendor/77",
        "/spool/abc",
        "/nothing/here",
        "/",
    ):
        answer = program.get(path)
        assert (answer.status_code, list(answer.json)) == (404, ["message"]), path


def test_the_shops_own_fields(program, roll):
    field = {"name": "Dried at", "field_type": "datetime", "order": 1}
    assert program.post("/field/spool/dried_at", field).json[0]["key"] == "dried_at"
    program.post(
        "/field/spool/kind", {"name": "Kind", "field_type": "choice", "choices": ["a", "b"], "multi_choice": False}
    )
    told = program.patch(f"/spool/{roll.number}", {"extra": {"dried_at": '"2026-01-01T00:00:00Z"', "kind": '"a"'}}).json
    assert told["extra"] == {"dried_at": '"2026-01-01T00:00:00Z"', "kind": '"a"'}
    assert program.patch(f"/spool/{roll.number}", {"extra": {"kind": '"c"'}}).status_code == 400
    assert program.patch(f"/spool/{roll.number}", {"extra": {"kind": "NaN"}}).status_code == 400
    assert program.patch(f"/spool/{roll.number}", {"extra": {"kind": None}}).json["extra"].keys() == {"dried_at"}
    assert len(program.delete("/field/spool/kind").json) == 1
    assert program.delete("/field/spool/kind").status_code == 404
    assert program.post("/field/spool/Bad-Key", field).status_code == 400
    assert program.post("/field/spool/x", {"name": "X", "field_type": "colour"}).status_code == 422
    assert program.get("/field/printer").status_code == 404


def test_settings(program):
    known = program.get("/setting/").json
    assert known["currency"] == {"value": '"EUR"', "is_set": True, "type": "string"}
    assert program.post("/setting/locations", '["A", "B"]').json == {
        "value": '["A", "B"]',
        "is_set": True,
        "type": "array",
    }
    assert program.post("/setting/locations", "null").json["is_set"] is False
    assert program.post("/setting/round_prices", '"yes"').status_code == 400
    assert program.post("/setting/currency", '"USD"').status_code == 409
    assert program.get("/setting/nothing").status_code == 404


def test_export_gives_flat_rows_and_no_formulas(program, roll):
    program.patch(f"/spool/{roll.number}", {"comment": "=1+1"})
    (row,) = program.get("/export/spools?fmt=json").json
    assert (row["id"], row["filament.vendor.name"]) == (roll.number, "Prusament")
    text = program.get("/export/spools?fmt=csv").get_data(as_text=True)
    assert "'=1+1" in text
    assert program.get("/export/spools?fmt=xml").status_code == 422


def test_an_export_is_whole_however_long_it_is(program, roll, monkeypatch):
    monkeypatch.setattr("printfarm.filament.spoolman.finding.MOST", 2)
    for _ in range(4):
        program.post("/spool", {"filament_id": roll.filament})
    assert len(program.get("/spool").json) == 2
    assert [one["id"] for one in program.get("/export/spools?fmt=json").json] == [1, 2, 3, 4, 5]
    assert len(program.get("/export/filaments?fmt=json").json) == 1


def test_a_list_takes_a_fixed_number_of_statements(app, program, roll, shop, statements):
    def count():
        with statements() as said:
            assert program.get("/spool").status_code == 200
        return len(said)

    count()  # the first time a token is used is noted
    few = count()
    for _ in range(10):
        program.post("/spool", {"filament_id": roll.filament})
    assert count() == few


def test_a_spool_of_the_wrong_filament_is_put_right(program, roll):
    white = program.post("/filament", {"name": "White", "material": "PLA", "density": 1.24, "diameter": 1.75}).json
    changed = program.patch(f"/spool/{roll.number}", {"filament_id": white["id"]})
    assert (changed.status_code, changed.json["filament"]["id"]) == (200, white["id"])
    assert program.get(f"/spool/{roll.number}").json["remaining_weight"] == 1000
    assert program.patch(f"/spool/{roll.number}", {"filament_id": 99}).status_code == 404
