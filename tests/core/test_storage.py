"""Storage, on the disk and in a bucket of a server that checks every signature."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

import pytest
import time_machine

from printfarm.config import load_settings
from printfarm.core.bucket import BucketStorage
from printfarm.core.clock import utc_now
from printfarm.core.errors import Unavailable
from printfarm.core.ids import new_id
from printfarm.core.storage import DiskStorage, make_storage, storage_key
from tests.support import s3


@pytest.fixture(scope="module")
def bucket_server(tmp_path_factory):
    with s3.running(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def bucket_settings(bucket_server, tmp_path):
    environ = {"PRINTFARM_DATA_DIR": str(tmp_path), "PRINTFARM_S3_PREFIX": "shops", **bucket_server.environ()}
    return load_settings(environ)


@pytest.fixture(params=["disk", "bucket"])
def store(request, tmp_path):
    if request.param == "disk":
        return DiskStorage(tmp_path / "files")
    return make_storage(request.getfixturevalue("bucket_settings"))


@pytest.fixture
def key():
    return storage_key(new_id(), "sliced", new_id())


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(os.urandom(3_000_000))
    return path


def test_what_is_put_comes_back_whole(store, key, source):
    assert store.size(key) is None
    store.put_file(key, source)
    assert store.size(key) == 3_000_000
    with store.open(key) as stream:
        assert stream.read() == source.read_bytes()
    with store.local_copy(key) as path:
        assert path.read_bytes() == source.read_bytes()
    assert source.exists()


def test_putting_again_replaces(store, key, source):
    store.put_file(key, source)
    source.write_bytes(b"shorter")
    store.put_file(key, source)
    with store.open(key) as stream:
        assert stream.read() == b"shorter"


def test_what_is_not_there_is_said_so_and_deleting_it_is_no_error(store, key, source):
    with pytest.raises(FileNotFoundError):
        store.open(key)
    with pytest.raises(FileNotFoundError), store.local_copy(key):
        pass
    store.delete(key)
    store.put_file(key, source)
    store.delete(key)
    store.delete(key)
    assert store.size(key) is None


def test_an_empty_file_is_a_file(store, key, source):
    source.write_bytes(b"")
    store.put_file(key, source)
    assert store.size(key) == 0


def test_the_place_of_a_file_is_its_shop_and_id():
    shop_id, file_id = new_id(), new_id()
    assert storage_key(shop_id, "picture", file_id) == f"{shop_id}/picture/{file_id}"


@pytest.mark.parametrize("bad", ["../outside", "/etc/passwd", "a/../../outside"])
def test_no_key_leaves_the_folder(tmp_path, source, bad):
    store = DiskStorage(tmp_path / "files")
    (tmp_path / "outside").write_bytes(b"secret")
    with pytest.raises(FileNotFoundError):
        store.open(bad)
    with pytest.raises(FileNotFoundError):
        store.put_file(bad, source)
    assert (tmp_path / "outside").read_bytes() == b"secret"


def test_a_full_disk_leaves_what_was_there_and_no_draft(tmp_path, key, source):
    """RLIMIT_FSIZE stands in for a full disk: writing beyond it fails as it does there."""
    root = tmp_path / "files"
    small = tmp_path / "small"
    small.write_bytes(b"as it was")
    DiskStorage(root).put_file(key, small)
    program = f"""
import resource, signal
from pathlib import Path
from printfarm.core.errors import Unavailable
from printfarm.core.storage import DiskStorage
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    DiskStorage(Path({str(root)!r})).put_file({key!r}, Path({str(source)!r}))
except Unavailable as problem:
    print(problem.sentence)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert "disk is full" in done.stdout
    assert DiskStorage(root).open(key).read() == b"as it was"
    assert [path.name for path in root.rglob("*") if path.is_file()] == [key.rsplit("/", 1)[1]]


def test_a_bucket_that_does_not_answer_is_a_sentence(bucket_settings, key, source):
    dead = BucketStorage(replace(bucket_settings, s3_endpoint="http://127.0.0.1:9"))
    for attempt in (lambda: dead.put_file(key, source), lambda: dead.size(key), lambda: dead.open(key)):
        with pytest.raises(Unavailable, match="storage does not answer"):
            attempt()


def test_a_wrong_secret_is_a_sentence_and_stores_nothing(bucket_settings, key, source):
    liar = BucketStorage(replace(bucket_settings, s3_secret_key="wrong"))
    with pytest.raises(Unavailable):
        liar.put_file(key, source)
    assert make_storage(bucket_settings).size(key) is None


# --- links that let a browser in for an hour ---


@pytest.fixture
def bucket(bucket_settings):
    return make_storage(bucket_settings)


def status_of(method, url, data=None, headers=None):
    request = Request(url, data=data, method=method, headers=headers or {})
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status
    except HTTPError as refusal:
        return refusal.code


def changed(url, **values):
    parts = urlsplit(url)
    query = {name: value[0] for name, value in parse_qs(parts.query).items()} | values
    return urlunsplit(parts._replace(query=urlencode(query)))


def test_the_disk_gives_no_links(tmp_path):
    store = DiskStorage(tmp_path)
    assert store.direct is None
    assert store.get_url("k", "a", "text/plain") is None


def test_a_browser_puts_and_gets_by_link(bucket, key):
    put = bucket.put_url(key, "text/plain", 4)
    assert status_of("PUT", put, b"G28\n", {"Content-Type": "text/plain"}) == 200
    assert bucket.size(key) == 4
    get = bucket.get_url(key, 'räder "x"\r\n.gcode', "text/plain")
    with urlopen(get, timeout=10) as answer:
        assert answer.read() == b"G28\n"
    assert re.search(r"response-content-disposition=attachment%3B%20filename%3D%22r_der%20_x___.gcode%22", get)


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_link_that_was_tampered_with_opens_nothing(bucket, key, source, method):
    bucket.put_file(key, source)
    other = key[:-4] + "0000"
    url = bucket.put_url(key, "text/plain", 6) if method == "PUT" else bucket.get_url(key, "a", "text/plain")
    data, headers = (b"stolen", {"Content-Type": "text/plain"}) if method == "PUT" else (None, {})
    signature = parse_qs(urlsplit(url).query)["X-Amz-Signature"][0]
    flipped = ("0" if signature[0] != "0" else "1") + signature[1:]
    for bad in (
        changed(url, **{"X-Amz-Signature": flipped}),
        changed(url, **{"X-Amz-Expires": "600000"}),
        url.replace(key, other),
    ):
        assert status_of(method, bad, data, headers) == 403
    assert status_of("GET" if method == "PUT" else "PUT", url, b"x" if method == "GET" else None) == 403
    assert bucket.size(key) == 3_000_000
    assert bucket.size(other) is None


def test_a_link_runs_out(bucket, key, source):
    bucket.put_file(key, source)
    with time_machine.travel(utc_now() - timedelta(hours=2), tick=True):
        old_put, old_get = bucket.put_url(key, "text/plain", 4), bucket.get_url(key, "a", "text/plain")
    assert status_of("PUT", old_put, b"late", {"Content-Type": "text/plain"}) in {400, 403}
    assert status_of("GET", old_get) in {400, 403}
    assert bucket.size(key) == 3_000_000


def test_a_link_signed_with_another_secret_opens_nothing(bucket_settings, bucket, key):
    liar = BucketStorage(replace(bucket_settings, s3_secret_key="wrong"))
    assert status_of("PUT", liar.put_url(key, "text/plain", 1), b"x", {"Content-Type": "text/plain"}) == 403
    assert bucket.size(key) is None


@pytest.mark.parametrize("sent", [b"G2", b"G28\n\n", b""])
def test_a_link_takes_exactly_as_many_bytes_as_it_was_made_for(bucket, key, sent):
    assert status_of("PUT", bucket.put_url(key, "text/plain", 4), sent, {"Content-Type": "text/plain"}) == 403
    assert bucket.size(key) is None


# --- files that come in parts ---


PART = 5 * 1024 * 1024


def put_part(bucket, key, parts_id, number, content):
    return status_of("PUT", bucket.part_url(key, parts_id, number, len(content)), content)


def test_parts_become_one_file(bucket, key):
    parts_id = bucket.begin_parts(key)
    assert bucket.parts(key, parts_id) == {}
    assert put_part(bucket, key, parts_id, 2, b"the end") == 200
    assert put_part(bucket, key, parts_id, 1, b"x" * PART) == 200
    assert bucket.parts(key, parts_id) == {1: PART, 2: 7}
    assert bucket.size(key) is None
    assert [one.parts_id for one in bucket.open_parts(key)] == [parts_id]
    bucket.finish_parts(key, parts_id)
    assert bucket.size(key) == PART + 7
    assert list(bucket.open_parts(key)) == []
    assert bucket.parts(key, parts_id) is None


def test_a_part_is_of_its_length_and_its_number(bucket, key):
    parts_id = bucket.begin_parts(key)
    url = bucket.part_url(key, parts_id, 1, 4)
    for bad, content in ((url, b"12345"), (url, b"123"), (changed(url, partNumber="2"), b"1234")):
        assert status_of("PUT", bad, content) == 403
    assert bucket.parts(key, parts_id) == {}


def test_aborted_parts_are_gone_and_aborting_again_is_no_error(bucket, key):
    parts_id = bucket.begin_parts(key)
    bucket.abort_parts(key, parts_id)
    bucket.abort_parts(key, parts_id)
    assert bucket.parts(key, parts_id) is None
    assert bucket.parts(key, "nonsense") is None


# --- what lies there ---


def test_objects_are_listed_by_folder(store, source):
    shop, other = new_id(), new_id()
    source.write_bytes(b"12345")
    keys = {storage_key(shop, kind, new_id()) for kind in ("sliced", "picture", "incoming")}
    for key in (*keys, storage_key(other, "sliced", new_id())):
        store.put_file(key, source)
    found = list(store.objects(f"{shop}/"))
    assert {one.key for one in found} == keys
    assert {one.size_bytes for one in found} == {5}
    assert all(abs((utc_now() - one.changed_at).total_seconds()) < 60 for one in found)
    assert list(store.objects(f"{new_id()}/")) == []


def test_a_moved_file_leaves_nothing_behind(store, key, source):
    content = source.read_bytes()
    store.put_file(key, source, move=True)
    assert not source.exists()
    with store.open(key) as stream:
        assert stream.read() == content
