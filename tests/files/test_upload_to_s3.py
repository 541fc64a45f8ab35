"""With a bucket, the browser puts the file there itself; what it claims is believed only as far as the bucket confirms."""

import urllib.request
from uuid import UUID

import pytest

from printfarm.files import extraction
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


def ask(person, name: str, size: object):
    return person.post("/files/uploads/direct", json={"name": name, "size": size, "type": ""}, headers=JSON)


def put(url: str, content: bytes) -> None:
    request = urllib.request.Request(
        url, data=content, method="PUT", headers={"Content-Type": "application/octet-stream"}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def put_directly(person, content: bytes, name: str = "Fox.gcode.3mf") -> UUID:
    ticket = ask(person, name, len(content)).json
    put(ticket["put_url"], content)
    arrived = person.post(ticket["done_url"], json={"upload_id": ticket["upload_id"]}, headers=JSON)
    assert arrived.status == 200, arrived.json
    return UUID(arrived.json["id"])


def test_the_page_offers_the_direct_way(olga) -> None:
    assert olga.get("/files/").one("form[data-upload]")["data-direct-url"] == "/files/uploads/direct"


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


def test_what_the_browser_puts_later_changes_nothing(olga, tmp_path) -> None:
    content = sliced(tmp_path).read_bytes()
    ticket = ask(olga, "Fox.gcode.3mf", len(content)).json
    put(ticket["put_url"], content)
    olga.post(ticket["done_url"], json={}, headers=JSON)
    upload_id = UUID(ticket["upload_id"])
    assert read(olga, upload_id).state == "needs-answer"
    put(ticket["put_url"], b"something else")
    saved = save(olga, upload_id)
    with urllib.request.urlopen(olga.get(olga.get(f"{saved.location}/file").location).location) as answer:
        assert answer.read() == content


def test_the_plain_form_goes_through_us_into_the_bucket(olga, bucket, tmp_path) -> None:
    upload_id = arrive(olga, sliced(tmp_path))
    assert bucket.stored() == [f"{olga.shop_id}/sliced/{upload_id}"]
    assert read(olga, upload_id).state == "needs-answer"


def test_a_duplicate_is_found_by_the_worker(olga, bucket, tmp_path) -> None:
    content = sliced(tmp_path).read_bytes()
    first = arrive_and_read(olga, ("Fox.gcode.3mf", content))
    second = read(olga, put_directly(olga, content))
    assert (second.state, second.duplicate_of_id) == ("duplicate", first)
    clear_away(olga.app)
    assert [key for key in bucket.stored() if str(second.id) in key] == []


def test_a_file_that_did_not_arrive_is_refused(olga) -> None:
    ticket = ask(olga, "Fox.gcode.3mf", 1000).json
    answer = olga.post(ticket["done_url"], json={}, headers=JSON)
    assert answer.status == 422
    assert "did not arrive" in answer.json["error"]
    assert state_of(olga.app, olga.shop_id, UUID(ticket["upload_id"])).state == "failed"


def test_a_file_of_another_size_is_refused(olga, bucket) -> None:
    ticket = ask(olga, "Fox.gcode.3mf", 1000).json
    put(ticket["put_url"], b"x" * 900)
    assert "incomplete" in olga.post(ticket["done_url"], json={}, headers=JSON).json["error"]
    clear_away(olga.app)
    assert bucket.stored() == []


def test_the_limit_holds_whatever_was_announced(olga, bucket) -> None:
    assert ask(olga, "big.3mf", 1_100_000).status == 413
    ticket = ask(olga, "big.3mf", 1000).json
    put(ticket["put_url"], b"x" * 1_100_000)
    answer = olga.post(ticket["done_url"], json={}, headers=JSON)
    assert (answer.status, "larger than 1 MB" in answer.json["error"]) == (413, True)
    clear_away(olga.app)
    assert bucket.stored() == []


@pytest.mark.parametrize(
    "sent",
    [None, [], {}, {"name": "x"}, {"name": "", "size": 1}, {"name": "x", "size": -1}, {"name": "x", "size": "1"}],
)
def test_a_description_of_another_shape_is_refused(sent, olga) -> None:
    assert olga.post("/files/uploads/direct", json=sent, headers=JSON).status == 422


def test_roles_and_other_shops(bob, charlie, olga) -> None:
    assert ask(bob, "x.3mf", 10).status == 403
    ticket = ask(olga, "x.3mf", 10).json
    assert charlie.post(ticket["done_url"], json={}, headers=JSON).status == 404
