"""A start as it travels: the row holds no link and no secret, the message holds a link that works."""

import hashlib
import urllib.request

import pytest

from hub import protocol
from printfarm.core.ids import new_id
from printfarm.core.storage import storage, storage_key
from printfarm.core.work import read_only, unit_of_work
from printfarm.files.models import StoredFile
from printfarm.fleet import service
from printfarm.fleet.models import Command

CONTENT = b"a sliced file, as far as the hub is concerned"


@pytest.fixture
def file(app, shop, tmp_path):
    """A stored file of the shop: the row, with its bytes in storage."""
    source = tmp_path / "file"
    source.write_bytes(CONTENT)
    with app.app_context(), unit_of_work(shop.id) as db:
        row = StoredFile(
            kind="sliced",
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            md5=hashlib.md5(CONTENT, usedforsecurity=False).hexdigest().upper(),
            size_bytes=len(CONTENT),
            content_type="model/3mf",
            original_name="Benchy plate.gcode.3mf",
        )
        db.add(row)
        db.flush()
        storage().put_file(storage_key(shop.id, "sliced", row.id), source)
        return row


def start(app, shop, printer, file, **more):
    facts = {"plate_index": 2, "title": "Benchy", "ams_mapping": [0, -1, 6], "use_ams": True, **more}
    with app.app_context(), unit_of_work(shop.id) as db:
        run = service.Start(run_id=new_id(), run_code="RUN-0001", **facts)
        return service.send_command(
            db,
            service.find_printer(db, printer.id),
            "print_command",
            service.start_body(file, run),
            # There is no such run: what a run has to do with it is the queue's matter.
            run_id=None,
            give_up_after=service.START_PATIENCE,
        )


def test_the_hub_can_fetch_what_it_is_told_to_print(app, shop, printer, file, connected):
    command = start(app, shop, printer, file)
    told = connected.hear(protocol.PrintCommand)
    assert (told.command_id, told.printer_id, told.run_code) == (str(command.id), str(printer.id), "RUN-0001")
    assert (told.plate_index, told.ams_mapping, told.use_ams) == (2, [0, -1, 6], True)
    assert (told.sha256, told.md5, told.size_bytes) == (file.sha256, file.md5, len(CONTENT))
    assert told.file_name == "Benchy plate.gcode.3mf"
    with urllib.request.urlopen(told.file_url) as answer:
        assert answer.read() == CONTENT


def test_the_row_holds_no_link(app, shop, printer, file, connected):
    command = start(app, shop, printer, file)
    connected.hear(protocol.PrintCommand)
    with app.app_context(), read_only(shop.id) as db:
        body = db.get(Command, command.id).body
    assert "file_url" not in body
    assert "http" not in str(body)


def test_a_start_that_fits_no_message_fails_with_a_sentence(app, shop, printer, file, connected):
    command = start(app, shop, printer, file, plate_index=0)
    connected.hear_nothing(protocol.PrintCommand, for_s=1.5)
    with app.app_context(), read_only(shop.id) as db:
        kept = db.get(Command, command.id)
        assert (kept.state, kept.code) == ("failed", "cannot_be_sent")
        assert kept.sentence


class TestWithAPublicAddress:
    @pytest.fixture
    def settings_environ(self, settings_environ):
        return {**settings_environ, "PRINTFARM_PUBLIC_URL": "https://farm.example"}

    def test_a_hub_elsewhere_fetches_there(self, app, shop, printer, file, connected):
        start(app, shop, printer, file)
        assert connected.hear(protocol.PrintCommand).file_url.startswith("https://farm.example/")
