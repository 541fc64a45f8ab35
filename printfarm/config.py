"""The settings, read once from the environment and typed.

Every setting is a variable `PRINTFARM_<NAME>`; an empty one counts as absent. What is wrong is refused with a sentence
before anything starts. `docs/settings.md` describes each, and a test compares the two.
"""

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from printfarm.environment import PREFIX, EnvironmentReader, SettingsError

__all__ = ["PREFIX", "SETTING_NAMES", "Settings", "SettingsError", "load_settings"]

RESERVED_THREADS = 32  # kept for pages, so that sockets and uploads never starve them
SOCKET_PATH_LIMIT = 100  # the system's limit on a Unix socket's path is 108 bytes on Linux and 104 on macOS
SECRET_KEY_BYTES = 32
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  # the names of "listen on every address"


@dataclass(frozen=True)
class Settings:
    """Everything that the environment decides. Paths are absolute."""

    host: str
    port: int
    data_dir: Path
    database_url: str = field(repr=False)
    database_owner_url: str = field(repr=False)  # migrations and backups; the same unless two roles are used
    redis_url: str = field(repr=False)
    redis_is_embedded: bool  # no PRINTFARM_REDIS_URL: `printfarm up` runs its own Valkey
    s3_endpoint: str | None
    s3_bucket: str | None  # None: files lie in the data folder
    s3_access_key: str | None
    s3_secret_key: str | None = field(repr=False)
    s3_region: str
    s3_prefix: str  # "" or "folder/"
    public_url: str | None  # without a slash at the end
    trusted_proxies: int
    tls: str  # off | self-signed | files
    tls_cert: Path | None
    tls_key: Path | None
    secret_key: str | None = field(repr=False)  # 64 hexadecimal digits; None: the file secret.key
    max_upload_mb: int
    max_uploads: int
    shop_quota_gb: int  # 0: as much as the disk holds
    threads: int
    max_sockets: int
    log_level: str
    hub: bool  # run the built-in hub
    simulators: int
    simulator_speed: float

    @property
    def uses_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite:")

    @property
    def sqlite_path(self) -> Path | None:
        return Path(self.database_url.removeprefix("sqlite:///")) if self.uses_sqlite else None

    @property
    def uses_s3(self) -> bool:
        return self.s3_bucket is not None

    @property
    def files_dir(self) -> Path:
        return self.data_dir / "files"

    @property
    def backups_dir(self) -> Path:
        return self.data_dir / "backups"

    @property
    def hub_dir(self) -> Path:
        """The built-in hub's own folder: its credentials and its ledger."""
        return self.data_dir / "hub"

    @property
    def max_upload_bytes(self) -> int:
        return self.max_upload_mb * 1024 * 1024

    @property
    def local_url(self) -> str:
        """Where programs on this machine reach the web process."""
        name = "127.0.0.1" if self.host in EVERYWHERE else _in_url(self.host)
        return f"{'http' if self.tls == 'off' else 'https'}://{name}:{self.port}"

    @property
    def hub_url(self) -> str:
        """Where the built-in hub reaches the web process: under the name that the certificate has."""
        return self.public_url if self.tls == "files" and self.public_url else self.local_url

    @property
    def address(self) -> str:
        """What a person types into a browser."""
        if self.public_url:
            return self.public_url
        name = "localhost" if self.host in {*EVERYWHERE, "127.0.0.1", "::1"} else _in_url(self.host)
        return f"{'http' if self.tls == 'off' else 'https'}://{name}:{self.port}"

    @property
    def redis_socket(self) -> Path | None:
        """The Unix socket that redis_url names, if it names one."""
        parts = urlsplit(self.redis_url)
        return Path(unquote(parts.path)) if parts.scheme == "unix" else None

    @cached_property
    def secret(self) -> bytes:
        """The 32 bytes that every other key is derived from. Makes `secret.key` at the first start."""
        if self.secret_key is not None:
            return bytes.fromhex(self.secret_key)
        return _secret_from_file(self.data_dir / "secret.key")


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; raises SettingsError with a sentence when one is wrong."""
    read = EnvironmentReader(environ)
    read.refuse_misspelt(SETTING_NAMES)
    data_dir = Path(read.text("DATA_DIR") or "data").expanduser().absolute()
    database_url = _database_url(read, "DATABASE_URL") or f"sqlite:///{data_dir / 'printfarm.db'}"
    owner_url = _database_url(read, "DATABASE_OWNER_URL") or database_url
    if owner_url.split(":")[0] != database_url.split(":")[0]:
        raise SettingsError("PRINTFARM_DATABASE_OWNER_URL must name the same database as PRINTFARM_DATABASE_URL.")
    threads = read.number("THREADS", 256, 48, 4096)
    max_uploads = read.number("MAX_UPLOADS", 16, 1, 1024)
    free = threads - max_uploads - RESERVED_THREADS
    if free < 1:
        raise SettingsError(
            f"PRINTFARM_THREADS is {threads}, but {max_uploads} uploads and {RESERVED_THREADS} threads in reserve leave"
            " nothing for live pages. Raise PRINTFARM_THREADS or lower PRINTFARM_MAX_UPLOADS."
        )
    redis_url = read.url("REDIS_URL", ("redis", "rediss", "unix"))
    tls, tls_cert, tls_key = _tls(read)
    bucket, endpoint, access_key, s3_secret = _s3(read)
    public_url = _public_url(read)
    hub = read.choice("HUB", "on", ("on", "off")) == "on"
    if tls == "files" and hub and public_url is None:
        raise SettingsError(
            "PRINTFARM_TLS=files needs PRINTFARM_PUBLIC_URL as well: the built-in hub must know the name in the certificate."
        )
    return Settings(
        host=read.text("HOST") or "0.0.0.0",  # noqa: S104  # phones on the shop floor reach it
        port=read.number("PORT", 8080, 1, 65535),
        data_dir=data_dir,
        database_url=database_url,
        database_owner_url=owner_url,
        redis_url=redis_url or f"unix://{quote(str(_socket_path(data_dir, environ)))}",
        redis_is_embedded=redis_url is None,
        s3_endpoint=endpoint,
        s3_bucket=bucket,
        s3_access_key=access_key,
        s3_secret_key=s3_secret,
        s3_region=read.text("S3_REGION") or "auto",
        s3_prefix=_folder(read.text("S3_PREFIX")),
        public_url=public_url,
        trusted_proxies=read.number("TRUSTED_PROXIES", 0, 0, 10),
        tls=tls,
        tls_cert=tls_cert,
        tls_key=tls_key,
        secret_key=_secret_key(read),
        max_upload_mb=read.number("MAX_UPLOAD_MB", 200, 1, 10_000),
        max_uploads=max_uploads,
        shop_quota_gb=read.number("SHOP_QUOTA_GB", 0, 0, 1_000_000),
        threads=threads,
        max_sockets=read.number("MAX_SOCKETS", free, 1, free),
        log_level=read.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
        hub=hub,
        simulators=read.number("SIMULATORS", 0, 0, 100),
        simulator_speed=read.decimal("SIMULATOR_SPEED", 1.0, 0.1, 10_000),
    )


def _setting_names() -> tuple[str, ...]:
    derived = {"redis_is_embedded"}
    return tuple(PREFIX + f.name.upper() for f in fields(Settings) if f.name not in derived)


SETTING_NAMES = _setting_names()


def _database_url(read: EnvironmentReader, name: str) -> str | None:
    given = read.text(name)
    if given is None:
        return None
    if given.startswith("sqlite:"):
        path = given.removeprefix("sqlite:///")
        if not given.startswith("sqlite:///") or not path or path.startswith(":memory:"):
            raise SettingsError(f"{PREFIX}{name} must name a file that all processes share: sqlite:////path/to/file.db")
        return f"sqlite:///{Path(path).expanduser().absolute()}"
    url = read.url(name, ("postgresql", "postgres", "sqlite"))
    assert url is not None
    return "postgresql://" + url.split("://", 1)[1]


def _socket_path(data_dir: Path, environ: Mapping[str, str]) -> Path:
    """The embedded Valkey's socket: in the data folder, or in a short place when the folder's path is too long."""
    path = data_dir / "redis.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    return runtime / f"printfarm-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}" / "redis.sock"


def _tls(read: EnvironmentReader) -> tuple[str, Path | None, Path | None]:
    mode = read.choice("TLS", "off", ("off", "self-signed", "files"))
    cert, key = read.text("TLS_CERT"), read.text("TLS_KEY")
    if mode != "files":
        if cert or key:
            raise SettingsError("PRINTFARM_TLS_CERT and PRINTFARM_TLS_KEY need PRINTFARM_TLS=files.")
        return mode, None, None
    if not cert or not key:
        raise SettingsError("PRINTFARM_TLS=files needs both PRINTFARM_TLS_CERT and PRINTFARM_TLS_KEY.")
    paths = Path(cert).expanduser().absolute(), Path(key).expanduser().absolute()
    for path in paths:
        if not path.is_file():
            raise SettingsError(f"PRINTFARM_TLS=files, but there is no file {path}.")
    return mode, *paths


def _s3(read: EnvironmentReader) -> tuple[str | None, str | None, str | None, str | None]:
    bucket, access, secret = read.text("S3_BUCKET"), read.text("S3_ACCESS_KEY"), read.text("S3_SECRET_KEY")
    endpoint = read.url("S3_ENDPOINT", ("https", "http"))
    if not bucket:
        if endpoint or access or secret:
            raise SettingsError("PRINTFARM_S3_BUCKET is missing; without it files stay in the data folder.")
        return None, None, None, None
    if bool(access) != bool(secret):
        raise SettingsError("PRINTFARM_S3_ACCESS_KEY and PRINTFARM_S3_SECRET_KEY belong together; one is missing.")
    return bucket, endpoint, access, secret


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _folder(prefix: str | None) -> str:
    cleaned = (prefix or "").strip("/")
    return f"{cleaned}/" if cleaned else ""


def _public_url(read: EnvironmentReader) -> str | None:
    url = (read.url("PUBLIC_URL", ("https", "http")) or "").rstrip("/")
    parts = urlsplit(url)
    if parts.path or parts.query or parts.fragment or parts.username:
        raise SettingsError(
            "PRINTFARM_PUBLIC_URL is only https://, the name and perhaps a port: PrintFarm needs a host name of its own."
        )
    return url or None


def _secret_key(read: EnvironmentReader) -> str | None:
    given = read.text("SECRET_KEY")
    if given is not None and not _is_key(given):
        raise SettingsError(
            "PRINTFARM_SECRET_KEY must be 64 hexadecimal digits (32 bytes), as `openssl rand -hex 32` prints them."
        )
    return given


def _is_key(text: str) -> bool:
    return re.fullmatch(rf"[0-9a-fA-F]{{{2 * SECRET_KEY_BYTES}}}", text) is not None


def _secret_from_file(path: Path) -> bytes:
    """Read the key, or make it. Two processes that start at once agree: the first link wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=".secret-", dir=path.parent)  # mkstemp gives mode 600
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(os.urandom(SECRET_KEY_BYTES).hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            Path(draft).unlink()
    text = path.read_text().strip()
    if not _is_key(text):
        raise SettingsError(
            f"{path} does not hold 64 hexadecimal digits. Restore it from a backup; sealed data needs it."
        )
    return bytes.fromhex(text)
