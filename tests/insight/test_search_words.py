"""What people type, and how it is found: folded, in parts, with slips, and never as the syntax of a query."""

import pytest

from printfarm.core.work import unit_of_work
from printfarm.filament import service as filament
from printfarm.insight.search import tokens
from printfarm.library.models import Model, ModelTag, VariantMetadata
from tests.insight.test_search import found, search
from tests.support.factories import make_plate


@pytest.fixture
def names(ctx, alice):
    """Puts models of these names into Alice's shop."""

    def put(*wanted, **facts):
        with unit_of_work(alice.shop_id) as db:
            models = [Model(name=name, **facts) for name in wanted]
            db.add_all(models)
            return [model.id for model in models]

    return put


def models(who, text):
    return found(search(who, text)).get("Models", [])


@pytest.mark.parametrize(
    ("typed", "called"),
    [
        ("grun", "Grüner Drache"),
        ("GRÜN", "Grüner Drache"),
        ("gruen", "Grüner Drache"),
        ("grün", "Gruener Drache"),
        ("ÖLKANNE", "ölkanne"),
        ("strasse", "Straße"),
        ("STRASSE", "Straße"),
        ("straße", "STRASSE"),
        ("creme brulee", "Crème brûlée"),
        ("smorrebrod", "Smørrebrød"),
        ("gru\u0308n", "Gr\u00fcn"),  # two ways to write one letter
        ("дракон", "Дракон"),
        ("ДРАКОН", "дракон"),
        ("龙", "红色龙形"),
        ("🐉", "🐉 dragon"),
        ("halter", "Kopfhörerhalter"),  # a part of a word
        ("pawns ches", "Chess pawns"),  # words in any order, the last one half typed
        ("0,2", "Layer 0.20"),
        ("m3x8", "Screw M3x8"),
        ("pla-cf", "Bracket PLA-CF"),
    ],
)
def test_it_is_found_however_it_is_written(alice, names, typed, called):
    names(called, "Something else")
    assert models(alice, typed) == [called]


def test_each_word_must_be_said(alice, names):
    names("Red dragon", "Red vase")
    assert models(alice, "red dragon") == ["Red dragon"]
    assert models(alice, "red owl") == []


@pytest.mark.parametrize("typed", ["dragno", "dragn", "draggon", "xragon", "drgaon flexi", "dragom"])
def test_a_slip_of_a_finger_is_forgiven_and_said(alice, names, typed):
    names("Flexi dragon", "Vase")
    page = search(alice, typed)
    assert found(page)["Models"] == ["Flexi dragon"]
    assert f"Nothing here speaks of “{typed}”" in page.one("#results").get_text()


def test_what_is_typed_right_is_never_corrected(alice, names):
    names("Dragon", "Dragons")
    page = search(alice, "dragons")
    assert found(page)["Models"] == ["Dragons"]
    assert "Nothing here speaks of" not in page.one("#results").get_text()


def test_names_come_before_what_merely_speaks_of_it(alice, names):
    names("Stand for the owl")
    names("Vase", description="An owl sits on it.")
    names("Owlet")
    names("Owl")
    names("Knowledge tower")
    order = models(alice, "owl")
    assert order[0] == "Owl"
    assert set(order[:3]) == {"Owl", "Stand for the owl", "Owlet"}
    assert order[3:] == ["Knowledge tower", "Vase"]


def test_the_exact_code_stands_first(alice, names):
    with unit_of_work(alice.shop_id) as db:
        black = filament.add_filament(db, brand="B", material="PLA", colour_name="Black", colour_hex="#000000")
        spools = [filament.add_spool(db, black.id, weight_mg=1_000_000) for _ in range(4)]
        spools[1].code, spools[3].code, spools[0].location = "ABC234", "ABC23X", "beside ABC234"
    page = search(alice, "abc234", htmx=True)
    rows = page.all("#found-spool .row a.cover")
    assert rows[0]["href"].endswith(str(spools[1].id))


def test_tags_designers_files_slicers_and_settings_are_found(alice, ctx):
    with unit_of_work(alice.shop_id) as db:
        plate = make_plate(db, needs={1: (None, 1_000)}, name="Cable clip")
        variant = plate.variant
        model = variant.model
        model.designer = "Zoë Müller"
        variant.slicer_name = "OrcaSlicer"
        raw = {"project_settings": {"layer_height": "0.20", "sparse_infill_pattern": "gyroid", "unknown": "xyzzy"}}
        db.add_all([ModelTag(model_id=model.id, tag="desk"), VariantMetadata(variant_id=variant.id, raw=raw)])
    for typed in ("zoe muller", "desk", "orcaslicer", "cable clip.gcode.3mf", "p1s", "layer_height=0.2", "layer_height=0,20",
                  "sparse_infill_pattern=gyr", "layer_height="):  # fmt: skip
        assert found(search(alice, typed)).get("Variants") == ["0.2 mm"], typed
    assert models(alice, "desk") == models(alice, "zoe") == ["Cable clip"]
    for typed in ("layer_height=0.3", "xyzzy", "wall_loops=0.2"):
        assert found(search(alice, typed)) == {}, typed


HOSTILE = (
    '"', "'", "*", "dragon*", '"dragon', "dragon OR", "AND", "NOT dragon", "NEAR(dragon vase)", "-dragon", "(dragon", "dragon)",
    "words:dragon", "^dragon", "{dragon}", "dragon + vase", "dragon & vase", "dragon | !vase", "a:*b", "<->", "\\", "';--",
    "%", "_", "\x00", "drag\x00on", "dragon" * 2_000, "(" * 10_000, '" OR "' * 500, "=", "=x", "a=b=c", "é" * 5_000, "🐉" * 90,
    "\u202e\u200b\ufeff", "\ud7ff", "x" * 31 + " " + "y" * 33, ":*", "''", "1e5", "0x1f", "1.2.3.4", "-1", "٣", "½", "ǅ", "ﬁne",
)  # fmt: skip


@pytest.mark.parametrize("typed", HOSTILE)
def test_nothing_that_is_typed_is_syntax(alice, names, typed):
    names("Dragon", "Vase")
    for htmx in (False, True):
        page = search(alice, typed, htmx=htmx)
        assert page.status == 200
        assert page.all("#results")
    for name in ("category", "material", "printer", "from", "to", "page", "kind"):
        assert alice.get("/search", query_string={"q": "dragon", name: typed}).status == 200


def test_signs_are_not_taken_for_operators(alice, names):
    names("Dragon", "Vase", "Dragon vase")
    assert models(alice, "dragon -vase") == ["Dragon vase"]
    assert models(alice, "dragon NOT vase") == []
    assert models(alice, '"dragon vase"') == ["Dragon vase"]


def test_a_name_that_is_as_hostile_is_kept_and_found(alice, names):
    long = "ü" * 5_000
    names('Robert"); DROP TABLE models;--', "'x':* | !y", long, "\u202edragon", "any", "x" * 300)
    assert models(alice, "robert drop") == ['Robert"); DROP TABLE models;--']
    assert models(alice, "ü" * 10) == [long]
    assert models(alice, "any") == ["any"]


def test_a_token_holds_nothing_that_a_database_could_cut():
    for word in (*HOSTILE, "grün", "ß", "İ", "x.y=z"):
        for one in (tokens.token(word), *map(tokens.token, tokens.words_in(word))):
            assert all(sign.isascii() and (sign.isalnum() or sign in "_.=") for sign in one)
    assert tokens.token("a") != tokens.token("ä")
