"""The supervisor's configuration, and what people see of the programs."""

import configparser
from pathlib import Path

import pytest

from printfarm.config import load_settings
from printfarm.processes.supervise import configuration, programs, readable


def written(tmp_path: Path, **environ: str) -> configparser.ConfigParser:
    settings = load_settings({"PRINTFARM_DATA_DIR": str(tmp_path), **environ})
    parser = configparser.ConfigParser()
    parser.read_string(configuration(settings, programs(settings)))
    return parser


def test_the_usual_programs(tmp_path: Path):
    names = {name.split(":")[1] for name in written(tmp_path).sections() if name.startswith("program:")}
    assert names == {"redis", "web", "hub", "worker-fast", "worker-slow"}


@pytest.mark.parametrize(
    ("environ", "change"),
    [
        ({"PRINTFARM_REDIS_URL": "redis://elsewhere"}, {"redis"}),
        ({"PRINTFARM_HUB": "off"}, {"hub"}),
        ({"PRINTFARM_SIMULATORS": "2"}, {"simulators"}),
    ],
)
def test_settings_choose_programs(tmp_path: Path, environ: dict[str, str], change: set[str]):
    usual, other = set(written(tmp_path).sections()), set(written(tmp_path, **environ).sections())
    assert {name.split(":")[1] for name in usual ^ other} == change


def test_web_stops_first_and_redis_last(tmp_path: Path):
    parser = written(tmp_path)
    priorities = {name: int(parser[name]["priority"]) for name in parser.sections() if "priority" in parser[name]}
    order = sorted((name for name in priorities if "worker-" not in name), key=priorities.__getitem__, reverse=True)
    assert order == ["program:web", "program:hub", "group:workers", "program:redis"]


def test_a_per_cent_sign_in_the_folder_is_kept(tmp_path: Path):
    parser = written(tmp_path / "100%")
    assert parser["supervisord"]["pidfile"] == str(tmp_path / "100%" / "supervisord.pid")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain", "plain"),
        ('{"at": "08:00", "level": "info", "from": "hub", "text": "signed in"}', "08:00 INFO hub: signed in"),
        ('{"at": "8", "level": "error", "from": "hub", "text": "no", "trace": "Trace"}', "8 ERROR hub: no\nTrace"),
        ('{"event": "ready", "speed": 20}', "event=ready speed=20"),
        ("{not json", "{not json"),
        ('{"text": 1}', '{"text": 1}'),
        ("1:M # WARNING Memory overcommit must be enabled! Without it", None),
    ],
)
def test_lines_become_readable(line: str, shown: str | None):
    assert readable(line) == shown
