"""One printer without a network, stepped by hand."""

import json

import pytest

from hub.simulators import PrinterSpec
from hub.simulators.bambu import PrinterCore
from tests.hub.simulators.clients import sliced_file, start_command


class Bench:
    """Steps a printer's core and keeps what it would have published."""

    def __init__(self, core):
        self.core = core
        self.now_s = 0.0
        self.messages = []
        self.merged = {}

    def ask(self, request):
        return self._keep(self.core.handle_request(request))

    def ask_all(self):
        return self.ask({"pushing": {"sequence_id": "1", "command": "pushall"}})[-1]["print"]

    def wait(self, seconds, step_s=0.5):
        end_s, heard = self.now_s + seconds, []
        while self.now_s < end_s:
            self.now_s = min(end_s, self.now_s + step_s)
            heard += self._keep(self.core.tick(self.now_s))
        return heard

    def wait_for(self, state, limit_s=4000.0):
        """Step until this gcode_state was published."""
        for _step in range(int(limit_s * 2)):
            self.wait(0.5)
            if self.merged.get("gcode_state") == state:
                return
        raise AssertionError(f"{state} was not reached, only {self.merged.get('gcode_state')}: {self.core.status()}")

    def upload(self, data=None, name="part.gcode.3mf"):
        data = data if data is not None else sliced_file()
        (self.core.store.root / name).write_bytes(data)
        return data

    def start(self, data=None, **changes):
        """Upload and start; returns the acknowledgement."""
        return self.ask(start_command(self.upload(data), **changes))[0]["print"]

    def pushes(self):
        return [m["print"] for m in self.messages if m.get("print", {}).get("command") == "push_status"]

    def told(self, key):
        """Every value of a field in the order it was published, repeats left out."""
        values = []
        for push in self.pushes():
            if key in push and values[-1:] != [push[key]]:
                values.append(push[key])
        return values

    def _keep(self, messages):
        for message in json.loads(json.dumps(messages)):
            self.messages.append(message)
            body = message.get("print", {})
            if body.get("command") == "push_status":
                self.merged.update(body)
        return messages


@pytest.fixture
def bench(tmp_path):
    """`bench("X1C", ams=[])`: a printer of that model on the test bench."""

    def make(model="P1S", **fields):
        spec = PrinterSpec(model=model, **fields)
        return Bench(PrinterCore(spec, "01P00A000000001", tmp_path / f"card-{model}"))

    return make
