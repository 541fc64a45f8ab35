"""A browser whose camera is a film that we made, and a reader of codes for browsers on Linux, which have none of their own."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.floor.pictures import jpeg, photo_of
from tests.support.chromium import find_whole

# Stands where the platform's own reader stands on phones; the picture that it gets is the camera's.
READER = """
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect(video) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    return (await readCodes(canvas.toDataURL("image/png"))).map((rawValue) => ({ rawValue }));
  }
};
"""
# What the page did with the camera, for a test to look at.
WATCH = """
window.tracks = [];
const ask = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
if (ask) navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await ask(wanted);
  window.tracks.push(...stream.getTracks());
  return stream;
};
"""


@contextmanager
def browser_with_camera(chromium: Browser, folder: Path, text: str | None) -> Iterator[Browser]:
    """A browser that films a label with this text, or an empty table."""
    film = folder / "camera.mjpeg"
    picture = photo_of(*([text] if text else []), size=(640, 480), side_px=260, angle=5)
    film.write_bytes(jpeg(picture, quality=90) * 30)
    found = find_whole()
    if found is None:
        pytest.skip("no browser with a camera on this machine; Debian's chromium has one")
    options = dict(found.options)
    options["args"] = [
        *found.arguments,
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
        "--host-resolver-rules=MAP farm.test 127.0.0.1",
    ]
    browser = chromium.browser_type.launch(**options)  # type: ignore[arg-type]
    try:
        yield browser
    finally:
        browser.close()


def teach_to_read(page: Page) -> None:
    """Give the page a reader of codes, and keep what it does with the camera."""
    page.expose_function("readCodes", _read)
    page.add_init_script(READER)
    page.add_init_script(WATCH)


def _read(data_url: str) -> list[str]:
    picture = Image.open(io.BytesIO(base64.b64decode(data_url.split(",", 1)[1]))).convert("L")
    return [one.text for one in zxingcpp.read_barcodes(picture)]
