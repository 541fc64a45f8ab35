"""A real browser puts files into a real S3 of another origin: in one piece, in parts, and again after the network broke."""

import os
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from printfarm.files import sending
from tests.floor.printing import signed_in
from tests.support import s3
from tests.support.cast import Person
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database
from tests.support.uploads import state_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PART = 5 * 1024 * 1024


@pytest.fixture
def bucket(settings_environ, tmp_path):
    with s3.running(tmp_path / "s3") as running:
        settings_environ |= running.environ()
        yield running


@pytest.fixture
def page(bucket, app: Flask, alice: Person, chromium: Browser, monkeypatch):
    monkeypatch.setattr(sending, "PIECE_BYTES", PART)
    with signed_in(chromium, app, alice, service_workers="block") as shown:
        shown.goto("/files/")
        yield shown


def choose(page: Page, *named: tuple[str, bytes]) -> None:
    page.set_input_files(
        "#upload-files",
        [{"name": name, "mimeType": "model/stl", "buffer": content} for name, content in named],
    )


def stored(bucket: s3.S3) -> dict[UUID, bytes]:
    return {UUID(key.rsplit("/", 1)[1]): (bucket.bucket / key).read_bytes() for key in bucket.stored()}


def test_small_and_large_files_arrive_as_they_are(page: Page, bucket: s3.S3, app: Flask, shop) -> None:
    small, large = os.urandom(4000), os.urandom(2 * PART + 77)
    choose(page, ("small.gcode", small), ("large.stl", large))
    expect(page.locator("[data-sum]")).to_have_text("2 of 2 files sent", timeout=60_000)
    assert sorted(stored(bucket).values(), key=len) == [small, large]
    for upload_id, content in stored(bucket).items():
        upload = state_of(app, shop.id, upload_id)
        assert (upload.bytes_at, upload.received_bytes) == ("incoming", len(content))


def test_parts_that_are_there_are_not_sent_again(page: Page, bucket: s3.S3) -> None:
    content = os.urandom(3 * PART)
    puts: list[str] = []
    page.on("request", lambda asked: puts.append(asked.url) if asked.method == "PUT" else None)
    broken = []

    def break_the_second(route) -> None:
        if "partNumber=2" in route.request.url and not broken:
            broken.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/prints/**", break_the_second)
    choose(page, ("large.stl", content))
    expect(page.locator(".sending li")).to_contain_text("Uploaded", timeout=60_000)
    assert [url.split("partNumber=")[1].split("&")[0] for url in puts] == ["1", "2", "2", "3"]
    assert list(stored(bucket).values()) == [content]


def test_an_address_that_no_longer_opens_is_replaced(page: Page, bucket: s3.S3) -> None:
    """As after an hour: the storage refuses the first try, the page asks for a fresh address."""
    content = os.urandom(4000)
    refused = []

    def refuse_once(route) -> None:
        if not refused:
            refused.append(route.request.url)
            route.continue_(url=route.request.url[:-4] + "0000")
        else:
            route.continue_()

    page.route("**/prints/**", refuse_once)
    choose(page, ("small.gcode", content))
    expect(page.locator(".sending li")).to_contain_text("The storage refuses this piece")
    expect(page.locator(".sending li")).to_contain_text("Uploaded")
    assert list(stored(bucket).values()) == [content]
