"""The pure half of the Bambu adapter, on payloads of the shapes that printers send."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.adapters import bambu_commands, bambu_errors
from hub.adapters.bambu_merge import MAX_PAYLOAD_BYTES, decode, is_full, merge
from hub.adapters.bambu_models import model_of
from hub.adapters.bambu_parse import is_cancelled, parse
from hub.adapters.base import StartJob
from hub.protocol import PrintOptions

P1S, X1C = model_of("01P"), model_of("00M")


def p1s_full(**changes):
    """The full report of a P1S with one AMS, in the middle of a print."""
    tray = {"id": "0", "tray_type": "PLA", "tray_color": "FF6A13FF", "remain": 82, "tray_uuid": "A" * 32}
    report = {
        "command": "push_status",
        "msg": 0,
        "gcode_state": "RUNNING",
        "print_type": "local",
        "subtask_id": "1733044821",
        "subtask_name": "PF-7K2M_Hook",
        "gcode_file": "ab.gcode.3mf",
        "mc_percent": 41,
        "mc_remaining_time": 25,
        "layer_num": 12,
        "total_layer_num": 80,
        "stg_cur": 14,
        "nozzle_temper": 219.9375,
        "nozzle_target_temper": 220.0,
        "bed_temper": 59.5,
        "bed_target_temper": 60.0,
        "chamber_temper": 5.0,
        "spd_lvl": 2,
        "wifi_signal": "-52dBm",
        "home_flag": 0x100,
        "sdcard": True,
        "print_error": 0,
        "hms": [],
        "ams": {"ams": [{"id": "0", "humidity": "4", "tray": [tray, {"id": "1"}]}], "tray_now": "0", "version": 3},
        "vt_tray": {"id": "254", "tray_type": "PETG", "tray_color": "000000FF", "remain": 0},
    }
    return {**report, **changes}


def read(model=P1S, **changes):
    return parse(p1s_full(**changes), model, confirmed=True)


def test_a_print_under_way_is_read_with_everything_that_a_person_wants_to_know():
    report = read()
    assert (report.state, report.percent, report.layer, report.total_layers) == ("printing", 41, 12, 80)
    assert (report.remaining_minutes, report.stage_word, report.speed) == (25, "cleaning the nozzle", "standard")
    assert (report.nozzle_c, report.bed_target_c, report.chamber_c, report.wifi_dbm) == (219.9375, 60.0, None, -52)
    assert (report.job.id, report.job.name) == ("1733044821", "PF-7K2M_Hook")
    assert report.storage == "ready"
    loaded, empty, external = report.slots
    assert (loaded.material, loaded.colour_hex, loaded.remain_percent, loaded.loaded) == ("PLA", "FF6A13", 82, True)
    assert empty.empty
    assert (external.ams_unit, external.material, external.loaded) == (255, "PETG", False)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"gcode_state": "IDLE"}, "idle"),
        ({"gcode_state": "PREPARE"}, "preparing"),
        ({"gcode_state": "SLICING"}, "preparing"),
        ({"gcode_state": "PAUSE"}, "paused"),
        ({"gcode_state": "PAUSE", "print_error": 0x03008001}, "paused"),
        ({"gcode_state": "PAUSE", "print_error": 0x03008004}, "attention"),
        ({"gcode_state": "PAUSE", "hms": [{"attr": 0x03000100, "code": 0x00010007}]}, "attention"),
        ({"gcode_state": "FINISH"}, "finished"),
        ({"gcode_state": "FAILED"}, "failed"),
        ({"gcode_state": "FAILED", "print_error": 50348044}, "cancelled"),
        ({"gcode_state": "FAILED", "print_error": "50348044"}, "cancelled"),
        ({"gcode_state": "RUNNING", "print_type": "system"}, "busy"),
        ({"gcode_state": "INIT"}, "starting_up"),
        ({"gcode_state": "DANCING"}, "unknown"),
    ],
)
def test_states(changes, state):
    assert read(**changes).state == state


def test_progress_of_the_job_before_is_not_shown_while_preparing():
    report = read(gcode_state="PREPARE", mc_percent=100, layer_num=80)
    assert (report.percent, report.layer, report.remaining_minutes) == (None, None, None)


@pytest.mark.parametrize(
    ("fun", "expected"), [("3EC1AFFF9CFF", False), ("3EC18FFF9CFF", True), (None, None), ("not hex", None)]
)
def test_developer_mode_is_read_from_bit_29(fun, expected):
    assert read(fun=fun).developer_mode is expected


def test_numbers_come_as_text_floats_or_nonsense():
    report = read(
        mc_percent="41.0", layer_num="12", total_layer_num=None, nozzle_temper="220", mc_remaining_time="soon"
    )
    assert (report.percent, report.layer, report.total_layers, report.nozzle_c) == (41, 12, None, 220.0)
    assert report.remaining_minutes is None
    assert read(total_layer_num=0).total_layers is None
    assert read(mc_percent=250).percent == 100


def test_a_chamber_is_shown_only_where_it_is_measured():
    assert read(X1C, chamber_temper=38).chamber_c == 38
    assert read(X1C, chamber_temper=(45 << 16) + 41).chamber_c == 41


def test_a_dual_nozzle_printer_says_its_slot_in_the_extruder():
    extruder = {"state": 0x12, "info": [{"id": 0, "snow": 65279}, {"id": 1, "snow": 259}]}
    assert read(device={"extruder": extruder}).active_slot == 7
    extruder["state"] = 0x02
    assert read(device={"extruder": extruder}).active_slot == 255


def test_the_external_spool_and_an_ams_ht_have_their_numbers():
    assert read(ams={"tray_now": "254"}).active_slot == 255
    assert read(ams={"tray_now": "255"}).active_slot is None
    ht = {"ams": [{"id": "128", "tray": [{"id": "0", "tray_type": "PA"}]}], "tray_now": "128"}
    assert next(slot for slot in read(ams=ht).slots if slot.ams_unit == 128).loaded


@pytest.mark.parametrize(
    ("changes", "storage"),
    [({"sdcard": False}, "missing"), ({"home_flag": 0x300}, "read_only"), ({"home_flag": -1 & ~0x100}, "faulty")],
)
def test_the_memory_cards_state(changes, storage):
    assert read(**changes).storage == storage


# --- Errors ---


def test_errors_are_told_in_words_with_the_printers_own_code():
    error = bambu_errors.print_error(0x03008004)
    assert (error.code, error.severity) == ("0300_8004", "serious")
    assert "run out" in error.sentence
    unknown = bambu_errors.print_error(0x07008099)
    assert unknown.code in unknown.sentence
    assert "AMS" in unknown.sentence


@pytest.mark.parametrize("number", [0, 0x03000001, 50348044, 0x0500400E, 0x03000002])
def test_a_status_a_cancel_and_a_false_alarm_are_no_errors(number):
    assert bambu_errors.print_error(number) is None


def test_a_health_message_has_the_makers_code_and_the_severity_of_its_second_half():
    error = bambu_errors.hms_error(50331904, 65543)
    assert (error.code, error.severity) == ("HMS_0300_0100_0001_0007", "fatal")
    assert bambu_errors.hms_error(50331904, 0x00040001).severity == "info"


def test_leading_zeros_of_a_code_are_kept():
    assert bambu_errors.code_of(50348044) == "0300_400C"
    assert is_cancelled({"print_error": 50348044})


# --- Merging ---


def test_a_delta_changes_what_it_names_and_nothing_else():
    known = merge(p1s_full(), {"msg": 1, "mc_percent": 42, "ams": {"tray_now": "255"}})
    assert known["mc_percent"] == 42
    assert known["ams"]["tray_now"] == "255"
    assert known["ams"]["ams"] == p1s_full()["ams"]["ams"]
    assert known["layer_num"] == 12


def test_a_tray_that_names_only_itself_is_empty_and_a_single_tray_leaves_the_others():
    delta = {"ams": {"ams": [{"id": "0", "tray": [{"id": "0", "state": 9}]}]}}
    unit = merge(p1s_full(), delta)["ams"]["ams"][0]
    assert unit["tray"] == [{"id": "0", "state": 9}, {"id": "1"}]
    assert unit["humidity"] == "4"


def test_other_arrays_are_replaced_and_null_says_nothing():
    known = merge(p1s_full(hms=[{"attr": 1, "code": 2}], stg=[2, 14]), {"hms": [], "stg": [13], "gcode_state": None})
    assert (known["hms"], known["stg"], known["gcode_state"]) == ([], [13], "RUNNING")
    assert merge(known, {"gcode_state": ""})["gcode_state"] == "RUNNING"
    assert merge(known, {"gcode_file": ""})["gcode_file"] == ""


def test_a_full_report_forgets_a_unit_that_was_taken_away():
    two = merge(p1s_full(), {"ams": {"ams": [{"id": "1", "tray": [{"id": "0", "tray_type": "ABS"}]}]}})
    assert [unit["id"] for unit in two["ams"]["ams"]] == ["0", "1"]
    assert [unit["id"] for unit in merge(two, p1s_full())["ams"]["ams"]] == ["0"]


def test_what_counts_as_full():
    assert is_full({"msg": 0})
    assert not is_full({"msg": 1, **{str(n): n for n in range(60)}})
    assert is_full({str(n): n for n in range(60)})


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 100_000, b" " * (MAX_PAYLOAD_BYTES + 1)]
)
def test_garbage_is_nothing(payload):
    assert decode(payload) is None


def test_broken_text_and_a_trailing_nul_are_read():
    assert decode(b'{"print": {"subtask_name": "\xff"}}\x00')["print"]["subtask_name"] == "\ufffd"


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
keys = st.sampled_from(["gcode_state", "mc_percent", "online", "version", "stg", "a", "b"])
plain = st.dictionaries(
    keys, leaves | st.lists(leaves, max_size=3) | st.dictionaries(keys, leaves, max_size=3), max_size=6
)
trays = st.lists(st.fixed_dictionaries({"id": st.sampled_from("0123")}, optional={"tray_type": st.text(max_size=4)}))
units = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from("01"), "tray": trays}, optional={"temp": st.text(max_size=3)})
)
deltas = st.builds(lambda fields, ams: {**fields, "ams": {"ams": ams}} if ams else fields, plain, units)


@given(st.lists(deltas, max_size=5))
def test_merging_changes_neither_side_and_the_same_delta_twice_is_the_same_as_once(several):
    known = {}
    for delta in several:
        before = json.dumps([known, delta])
        once = merge(known, delta)
        assert json.dumps([known, delta]) == before
        assert merge(once, delta) == once
        known = once


# A key that is an object stays one, as it does on printers.
steady = st.fixed_dictionaries(
    {},
    optional={
        **{key: leaves | st.lists(leaves, max_size=3) for key in ("gcode_state", "mc_percent", "version", "stg")},
        **{key: st.dictionaries(keys, leaves, max_size=3) for key in ("online", "a", "b")},
    },
)


@given(steady, steady, steady)
def test_merging_is_associative_for_everything_but_trays(first, second, third):
    known = merge({}, first)
    assert merge(merge(known, second), third) == merge(known, merge(second, third))


@given(deltas, deltas)
def test_what_a_delta_does_not_name_stays(first, delta):
    known = merge({}, first)
    merged = merge(known, delta)
    for key in known.keys() - delta.keys():
        assert merged[key] == known[key]


anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner), max_leaves=6
)


@given(st.dictionaries(st.sampled_from(sorted([*p1s_full(), "device", "vir_slot", "fun", "3D"])), anything))
def test_no_report_is_so_odd_that_reading_it_breaks(known):
    report = parse(merge({}, known), P1S, confirmed=True)
    assert report.percent is None or 0 <= report.percent <= 100


# --- Commands ---


def start_job(**changes):
    fields = {
        "run_code": "PF-7K2M",
        "job_id": bambu_commands.job_number("PF-7K2M"),
        "job_name": "PF-7K2M_Hook",
        "remote_name": "ab.gcode.3mf",
        "md5": "A" * 32,
        "sha256": "b" * 64,
        "size_bytes": 5,
        "plate_index": 3,
        "ams_mapping": (2, -1, 0, 130),
        "use_ams": True,
        "bed_type": None,
        "options": PrintOptions(),
    }
    return StartJob(**{**fields, **changes})


def test_a_start_names_plate_file_and_slots_as_the_printers_want_them():
    body = bambu_commands.project_file("30050", start_job())["print"]
    assert body["param"] == "Metadata/plate_3.gcode"
    assert body["url"] == "ftp://ab.gcode.3mf"
    assert body["ams_mapping"] == [2, -1, 0, 130]
    assert body["ams_mapping2"][1:] == [
        {"ams_id": 255, "slot_id": 255},
        {"ams_id": 0, "slot_id": 0},
        {"ams_id": 130, "slot_id": 0},
    ]
    assert body["use_ams"] is True
    assert body["task_id"] == body["subtask_id"] != "0"
    single = bambu_commands.project_file("1", start_job(use_ams=False, ams_mapping=(-1,)))["print"]
    assert single["ams_mapping2"] == [{"ams_id": 255, "slot_id": 0}]


@given(st.text(min_size=1, max_size=40))
def test_a_runs_number_fits_into_31_bits_and_is_never_zero(code):
    assert 0 < int(bambu_commands.job_number(code)) < 2**31


@given(st.text(max_size=120))
def test_a_jobs_name_is_short_plain_and_begins_with_the_code(title):
    name = bambu_commands.job_name("PF-7K2M", title)
    assert name.startswith("PF-7K2M")
    assert len(name) <= 60
    assert name.isascii()
    assert " " not in name


def test_texts_that_nobody_can_store_are_cleaned():
    payload = b'{"print": {"subtask_name": "Ho\\u0000ok\\ud800", "a\\u0000": ["\\udfff", 1, "\\u00e9"]}}\0'
    assert decode(payload) == {"print": {"subtask_name": "Hook", "a": ["", 1, "é"]}}


@given(
    st.recursive(st.text() | st.integers() | st.none(), lambda each: st.lists(each) | st.dictionaries(st.text(), each))
)
def test_whatever_json_says_can_be_written_as_utf8(value):
    json.dumps(decode(json.dumps({"print": value}).encode()), ensure_ascii=False).encode()


@pytest.mark.parametrize("number", [-1, 10**7, 10**14, "10000000", 1e14])
def test_numbers_that_cannot_be_are_not_known(number):
    report = parse(p1s_full(layer_num=number, total_layer_num=number, mc_remaining_time=number), P1S, confirmed=True)
    assert (report.layer, report.total_layers) == (None, None)
    assert report.remaining_minutes in {None, 0}


@pytest.mark.parametrize("now", ["-1", "300", "99999999999", "255"])
def test_a_slot_that_cannot_be_feeds_nothing(now):
    assert parse(p1s_full(ams={"tray_now": now}), P1S, confirmed=True).active_slot is None


def test_a_unit_with_too_many_trays_is_cut():
    trays = [{"id": str(number), "tray_type": "PLA"} for number in range(300)]
    report = parse(p1s_full(ams={"ams": [{"id": "0", "tray": trays}]}, vt_tray=None), P1S, confirmed=True)
    assert [slot.slot for slot in report.slots if slot.ams_unit == 0] == list(range(16))


def slot_of(**tray):
    said = {"ams": [{"id": "0", "tray": [{"id": "0", "tray_type": "PLA", "tray_color": "FF6A13FF", **tray}]}]}
    return read(ams=said, vt_tray=None).slots[0]


@pytest.mark.parametrize("remain", [-1, 1000, "-1", "1e9", None, "full", float("nan"), [], True])
def test_a_remainder_that_cannot_be_is_not_known(remain):
    assert slot_of(remain=remain).remain_percent in {None, 1}
    assert slot_of(remain=remain).material == "PLA"


def test_what_an_empty_slot_says_of_a_roll_is_not_believed():
    empty = slot_of(tray_type="", remain=1000, tray_uuid="A" * 32, tray_color="00000000")
    assert (empty.empty, empty.remain_percent, empty.tag, empty.colour_hex) == (True, None, None, None)


@pytest.mark.parametrize(
    ("uuid", "uid", "tag"),
    [
        ("0123456789abcdef" * 2, "C0DE000000000001", "0123456789ABCDEF" * 2),
        ("0" * 32, "C0DE000000000001", "C0DE000000000001"),
        ("0" * 32, "0" * 16, None),
        ("F" * 32, "", None),
        (None, None, None),
        ({}, 7, None),
        ("<script>", "A" * 5000, None),
    ],
)
def test_the_tag_of_a_roll_is_its_own_number_or_that_of_its_chip(uuid, uid, tag):
    assert slot_of(tray_uuid=uuid, tag_uid=uid).tag == tag


@pytest.mark.parametrize(
    ("colour", "read_as"),
    [
        ("00000000", None),
        ("000000FF", "000000"),
        ("FF6A1300", "FF6A13"),
        ("FF6A13", "FF6A13"),
        ("", None),
        ("FF6A1", None),
    ],
)
def test_a_colour_that_nobody_can_see_is_none(colour, read_as):
    assert slot_of(tray_color=colour).colour_hex == read_as


@pytest.mark.parametrize("unit", ["26", "100", "127", "136", "254", "999", "-1", "x"])
def test_a_unit_that_no_printer_has_is_left_out(unit):
    said = {"ams": [{"id": unit, "tray": [{"id": "0", "tray_type": "PLA"}]}]}
    assert read(ams=said, vt_tray=None).slots == ()


def test_an_ams_ht_has_one_slot_and_two_external_holders_have_their_order():
    trays = [{"id": str(number), "tray_type": "PA-CF", "tray_uuid": "B" * 32} for number in range(4)]
    ht = read(ams={"ams": [{"id": "129", "tray": trays}]}, vt_tray=None).slots
    assert [(slot.ams_unit, slot.slot, slot.tag) for slot in ht] == [(129, 0, "B" * 32)]
    both = [{"id": "254", "tray_type": "PETG"}, {"id": "255", "tray_type": "PLA"}]
    external = read(ams={}, vir_slot=both, vt_tray=None).slots
    assert [(slot.ams_unit, slot.slot, slot.material) for slot in external] == [(255, 0, "PLA"), (255, 1, "PETG")]
