"""The hub installs and runs from the base dependencies, without the web stack."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

IMPORTS = """
import importlib, json, pkgutil, sys
class Fence:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {forbidden}:
            raise ImportError("not a base dependency: " + name)
sys.meta_path.insert(0, Fence())
import hub
names = [m.name for m in pkgutil.walk_packages(hub.__path__, "hub.") if not m.name.startswith("hub.simulators")]
for name in names:
    importlib.import_module(name)
print(json.dumps(names))
"""


def server_only_modules():
    """Import names of the extra `server`, and our own areas."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {each.split(">")[0].split("[")[0].split(";")[0] for each in project["optional-dependencies"]["server"]}
    odd = {
        "pillow": "PIL",
        "pyopenssl": "OpenSSL",
        "argon2-cffi": "argon2",
        "psycopg": "psycopg",
        "htmx-flask": "htmx_flask",
    }
    return {odd.get(name, name.replace("-", "_")) for name in names} | {"printfarm", "jobs", "werkzeug"}


def test_every_module_of_the_hub_imports_without_the_web_stack():
    code = IMPORTS.replace("{forbidden}", repr(server_only_modules()))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "hub.supervisor" in json.loads(done.stdout)


def run_hub(folder, **settings):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PRINTFARM_")}
    return subprocess.Popen(
        [sys.executable, "-m", "hub", "--data-dir", str(folder)],
        cwd=ROOT,
        env={**environment, **settings},
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_until(process, word):
    lines = []
    for line in process.stderr:
        lines.append(json.loads(line))
        if word in lines[-1]["text"]:
            return lines
    raise AssertionError(f"the hub ended without saying {word!r}: {lines}")


def stop(process):
    process.send_signal(signal.SIGTERM)
    return process.wait(15)


def test_the_hub_waits_for_its_credentials_starts_and_stops_cleanly(tmp_path):
    process = run_hub(tmp_path)
    try:
        lines_until(process, "waiting for")
        secret = "a-secret-that-must-not-be-logged"
        credentials = {"url": "http://127.0.0.1:9", "hub_id": "h1", "secret": secret}
        (tmp_path / "half").write_text(json.dumps(credentials))
        (tmp_path / "half").rename(tmp_path / "hub.json")
        said = lines_until(process, "no connection to web")
        assert stop(process) == 0
        said += [json.loads(line) for line in process.stderr]
        assert secret not in json.dumps(said)
        assert any("stopped" in entry["text"] for entry in said)
    finally:
        process.kill()
        process.stderr.close()
        process.wait()


def test_a_second_hub_on_the_same_folder_is_refused(tmp_path):
    first = run_hub(tmp_path, PRINTFARM_HUB_URL="http://127.0.0.1:9", PRINTFARM_HUB_ID="h", PRINTFARM_HUB_SECRET="s")
    second = None
    try:
        lines_until(first, "started")
        second = run_hub(
            tmp_path, PRINTFARM_HUB_URL="http://127.0.0.1:9", PRINTFARM_HUB_ID="h", PRINTFARM_HUB_SECRET="s"
        )
        assert "Another hub is running" in lines_until(second, "cannot go on")[-1]["text"]
        assert second.wait(15) == 1
        first.kill()
        first.wait()
        time.sleep(0.1)
        third = run_hub(
            tmp_path, PRINTFARM_HUB_URL="http://127.0.0.1:9", PRINTFARM_HUB_ID="h", PRINTFARM_HUB_SECRET="s"
        )
        lines_until(third, "started")
        assert stop(third) == 0
        third.stderr.close()
    finally:
        for process in (first, second):
            if process is not None:
                process.kill()
                process.stderr.close()
                process.wait()


@pytest.mark.parametrize("settings", [{"PRINTFARM_HUB_ID": "h"}, {"PRINTFARM_HUB_SECRET": "s"}])
def test_half_of_the_settings_is_a_sentence(tmp_path, settings):
    process = run_hub(tmp_path, **settings)
    assert "belong together" in lines_until(process, "cannot go on")[-1]["text"]
    assert process.wait(15) == 1
    process.stderr.close()


def test_broken_credentials_are_a_sentence(tmp_path):
    (tmp_path / "hub.json").write_text("{")
    process = run_hub(tmp_path)
    assert "hub.json" in lines_until(process, "cannot go on")[-1]["text"]
    assert process.wait(15) == 1
    process.stderr.close()
