"""With a bucket, the browser puts the file there itself; what it claims is believed only as far as the bucket confirms."""

import io
import os
import urllib.error
import urllib.request
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine

from printfarm.core.clock import utc_now
from printfarm.core.storage import storage
from printfarm.files import extraction, sending
from tests.files.test_read_upload import clear_away
from tests.support import s3
from tests.support.uploads import JSON, arrive, arrive_and_read, read, save, sliced, state_of

pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with s3.running(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def bucket(server, settings_environ):
    settings_environ |= server.environ()
    settings_environ["PRINTFARM_MAX_UPLOAD_MB"] = "1"
    for key in server.stored():
        (server.bucket / key).unlink()
    return server


def ask(person, content: bytes | int, name: str = "Fox.gcode.3mf", **more: object):
    size = content if isinstance(content, int) else len(content)
    return person.post("/files/uploads/begin", json={"name": name, "size": size, **more}, headers=JSON)


def put(url: str, content: bytes) -> int:
    request = urllib.request.Request(
        url, data=content, method="PUT", headers={"Content-Type": "application/octet-stream"}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


def say_done(person, step: dict):
    return person.post(step["next_url"], json={}, headers=JSON)


def put_step(person, step: dict, content: bytes) -> dict:
    """Send what the step asks for, and hear what comes next."""
    send = step["send"]
    assert send["method"] == "PUT"
    assert put(send["url"], content[send["at"] : send["to"]]) == 200
    answer = say_done(person, step)
    assert answer.status == 200, answer.json
    return answer.json


def put_directly(person, content: bytes, **more: object) -> UUID:
    step = ask(person, content, **more).json
    while "send" in step:
        step = put_step(person, step, content)
    return UUID(step["id"])


def test_the_browser_puts_and_the_worker_hashes_and_reads(olga, bucket, tmp_path) -> None:
    content = sliced(tmp_path).read_bytes()
    upload_id = put_directly(olga, content)
    assert bucket.stored() == [f"{olga.shop_id}/incoming/{upload_id}"]
    assert read(olga, upload_id).state == "needs-answer"
    with olga.app.app_context():
        extraction.forget_incoming(olga.shop_id, upload_id)
    kinds = [key.split("/")[1] for key in bucket.stored()]
    assert kinds == ["medium", "picture", "sliced", "thumb"]
    saved = save(olga, upload_id)
    download = olga.get(olga.get(f"{saved.location}/file").location)
    assert download.status == 302
    with urllib.request.urlopen(download.location) as answer:
        assert answer.read() == content
    picture = olga.get(f"/files/pictures/{state_of(olga.app, olga.shop_id, upload_id).picture_id}").response
    assert picture.data[:4] == b"RIFF"


def test_what_the_browser_puts_later_changes_nothing(olga, bucket, tmp_path) -> None:
    """The address still opens for its hour; what is put there stays outside, and is swept."""
    content = sliced(tmp_path).read_bytes()
    step = ask(olga, content).json
    put_step(olga, step, content)
    upload_id = UUID(step["upload_id"])
    assert read(olga, upload_id).state == "needs-answer"
    assert put(step["send"]["url"], b"x" * len(content)) == 200
    assert say_done(olga, step).json["id"] == str(upload_id)
    saved = save(olga, upload_id)
    with urllib.request.urlopen(olga.get(olga.get(f"{saved.location}/file").location).location) as answer:
        assert answer.read() == content
    with olga.app.app_context():
        extraction.forget_incoming(olga.shop_id, upload_id)
    assert [key for key in bucket.stored() if "/incoming/" in key] == []


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(sending, "PIECE_BYTES", 5 * 1024 * 1024)


@pytest.fixture
def large(settings_environ) -> bytes:
    """More than two parts."""
    settings_environ["PRINTFARM_MAX_UPLOAD_MB"] = "20"
    return os.urandom(11 * 1024 * 1024)


@pytest.mark.usefixtures("small_pieces")
class TestInParts:
    def test_they_become_one_file(self, large, olga, bucket) -> None:
        upload_id = put_directly(olga, large)
        assert state_of(olga.app, olga.shop_id, upload_id).state == "received"
        assert (bucket.bucket / f"{olga.shop_id}/incoming/{upload_id}").read_bytes() == large

    def test_after_a_closed_tab_it_goes_on_with_the_next_part(self, large, olga) -> None:
        step = put_step(olga, ask(olga, large).json, large)
        again = ask(olga, large).json
        assert (again["upload_id"], again["send"]["at"]) == (step["upload_id"], 5 * 1024 * 1024)
        assert state_of(olga.app, olga.shop_id, UUID(step["upload_id"])).received_bytes == 5 * 1024 * 1024

    def test_two_windows_send_the_same_parts(self, large, olga, bucket) -> None:
        one, other = ask(olga, large).json, ask(olga, large).json
        assert one["upload_id"] == other["upload_id"]
        one = put_step(olga, one, large)
        other = put_step(olga, other, large)
        while "send" in other:
            other = put_step(olga, other, large)
        assert say_done(olga, one).json["id"] == other["id"]
        assert (bucket.bucket / f"{olga.shop_id}/incoming/{other['id']}").read_bytes() == large

    def test_a_part_of_another_length_is_refused_by_the_storage(self, large, olga) -> None:
        step = ask(olga, large).json
        assert put(step["send"]["url"], b"x") == 403
        assert say_done(olga, step).json["send"]["at"] == 0

    def test_parts_that_the_storage_has_forgotten_begin_anew(self, large, app, olga) -> None:
        step = put_step(olga, ask(olga, large).json, large)
        with app.app_context():
            for parts in list(storage().direct.open_parts(f"{olga.shop_id}/")):
                storage().direct.abort_parts(parts.key, parts.parts_id)
        assert say_done(olga, step).json["send"]["at"] == 0
        assert state_of(app, olga.shop_id, put_directly(olga, large)).state == "received"

    def test_removing_it_aborts_them(self, large, app, olga) -> None:
        step = put_step(olga, ask(olga, large).json, large)
        assert olga.post(step["cancel_url"], headers=JSON).json == {"removed": True}
        clear_away(app)
        with app.app_context():
            assert list(storage().direct.open_parts(f"{olga.shop_id}/")) == []


def test_the_plain_form_goes_through_us_into_the_bucket(olga, bucket, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    assert bucket.stored() == [f"{olga.shop_id}/sliced/{upload_id}"]
    assert read(olga, upload_id).state == "needs-answer"


def test_a_duplicate_is_found_by_the_worker(olga, bucket, tmp_path) -> None:
    content = sliced(tmp_path).read_bytes()
    first = arrive_and_read(olga, ("Fox.gcode.3mf", content))
    second = read(olga, put_directly(olga, content, name="Wolf.3mf"))
    assert (second.state, second.duplicate_of_id) == ("duplicate", first)
    clear_away(olga.app)
    assert [key for key in bucket.stored() if str(second.id) in key] == []


def test_what_did_not_arrive_is_asked_for_again(olga) -> None:
    step = ask(olga, 1000).json
    again = say_done(olga, step).json
    assert again["send"]["at"] == 0
    assert state_of(olga.app, olga.shop_id, UUID(step["upload_id"])).state == "receiving"


def test_a_file_that_changed_meanwhile_is_refused_by_the_storage(olga, bucket) -> None:
    step = ask(olga, 1000).json
    for changed in (b"x" * 999, b"x" * 1001, b""):
        assert put(step["send"]["url"], changed) == 403
    assert bucket.stored() == []


def test_a_forged_address_opens_nothing(olga, bucket) -> None:
    step = ask(olga, 10).json
    url = step["send"]["url"]
    other = url.replace(step["upload_id"], str(UUID(int=1)))
    into_the_kept = url.replace("/incoming/", "/sliced/")
    for forged in (other, into_the_kept, url[:-4] + ("0000" if url[-4:] != "0000" else "1111")):
        assert put(forged, b"0123456789") == 403
    assert bucket.stored() == []


def test_an_expired_address_is_replaced_by_a_fresh_one(olga, tmp_path) -> None:
    content = sliced(tmp_path).read_bytes()
    step = ask(olga, content).json
    key = f"{olga.shop_id}/incoming/{step['upload_id']}"
    with olga.app.app_context(), time_machine.travel(utc_now() - timedelta(hours=2), tick=True):
        expired = storage().direct.put_url(key, sending.TYPE, len(content))
    assert put(expired, content) in {400, 403}
    fresh = say_done(olga, step).json
    assert fresh["upload_id"] == step["upload_id"]
    assert "id" in put_step(olga, fresh, content)


def test_what_lies_there_is_believed_not_what_was_announced(olga, bucket, tmp_path) -> None:
    """A storage that does not check lengths: the file is refused when it is said to be there."""
    step = ask(olga, 1000).json
    (tmp_path / "shorter").write_bytes(b"x" * 900)
    with olga.app.app_context():
        storage().put_file(f"{olga.shop_id}/incoming/{step['upload_id']}", tmp_path / "shorter")
    answer = say_done(olga, step)
    assert (answer.status, "otherwise than it was announced" in answer.json["error"]) == (422, True)
    clear_away(olga.app)
    assert bucket.stored() == []


def test_the_limit_holds_before_anything_is_sent(olga, bucket) -> None:
    assert ask(olga, 1_100_000).status == 413
    assert bucket.stored() == []


def test_the_app_takes_no_bytes_itself(olga) -> None:
    step = ask(olga, 10).json
    answer = olga.post(
        f"/files/uploads/{step['upload_id']}/bytes?at=0",
        input_stream=io.BytesIO(b"0123456789"),
        content_type="application/octet-stream",
        headers=JSON,
    )
    assert (answer.status, "straight to the storage" in answer.json["error"]) == (422, True)


def test_roles_and_other_shops(bob, charlie, olga) -> None:
    assert ask(bob, 10).status == 403
    step = ask(olga, 10).json
    assert charlie.post(step["next_url"], json={}, headers=JSON).status == 404
