"""What the tests of text readers share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from printfarm.files.readers import FileReading, read_file


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str | bytes], FileReading]:
    """Write a G-code to a file and read it."""

    def read_text(text: str | bytes) -> FileReading:
        path = tmp_path / "file.gcode"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_file(path)

    return read_text
