"""The printer's memory card: a folder with a size limit that can be pulled out."""

import shutil
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

FOLDERS = ("cache", "model", "timelapse", "image", "logger", "ipcam")
MOUNT_POINTS = ("mnt/sdcard/", "sdcard/", "mnt/", "usb/")


class FileStore:
    """Files under `root`; `quota_bytes` counts all of them together."""

    def __init__(self, root: Path, *, quota_bytes: int = 4_000_000_000) -> None:
        self.root = root.resolve()
        self.quota_bytes = quota_bytes
        self.has_card = True
        for folder in FOLDERS:
            (self.root / folder).mkdir(parents=True, exist_ok=True)

    def used_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.root.rglob("*") if path.is_file())

    def free_bytes(self) -> int:
        return max(0, self.quota_bytes - self.used_bytes())

    def locate(self, url: str, file: str) -> Path | None:
        """The path that a `project_file` means, whether or not it exists; None when it means nothing here.

        A name with a space is cut short by the printers' own parser, so it is not found here either.
        """
        try:
            name = _path_of(url) if url else file
            if not name or " " in name:
                return None
            name = name.lstrip("/")
            for mount in MOUNT_POINTS:
                name = name.removeprefix(mount)
            path = (self.root / PurePosixPath(name)).resolve()
            path.is_file()
        except (OSError, ValueError):  # no address at all, or a name that no card could hold
            return None
        return path if path.is_relative_to(self.root) and path != self.root else None

    def leftover(self) -> Path | None:
        """The newest print file in the top folder: what some models start again after a power cycle."""
        files = [path for path in self.root.glob("*.3mf") if path.is_file()]
        return max(files, key=lambda path: path.stat().st_mtime, default=None)

    def wipe(self) -> None:
        for path in self.root.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        for folder in FOLDERS:
            (self.root / folder).mkdir()


def _path_of(url: str) -> str:
    """`ftp://name` carries the name where a URL carries its host, so both parts count."""
    parts = urlsplit(url)
    if parts.scheme not in {"ftp", "file"}:
        return ""
    return unquote(parts.netloc + parts.path)
