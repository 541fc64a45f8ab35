"""Starts Debian's mosquitto and vsftpd as a printer would run them, on free loopback ports, as processes of our own.

The printers themselves are said to run vsftpd 3.0.3 with implicit TLS and required session reuse.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.simulators.tls import Leaf

MOSQUITTO = "/usr/sbin/mosquitto"
VSFTPD = "/usr/sbin/vsftpd"
PAM_SERVICE = Path("/etc/pam.d/vsftpd")
USER = "bblp"
START_PATIENCE_S = 10.0
STOP_PATIENCE_S = 5.0


class ServerFailedError(Exception):
    """The server ended or did not answer; the message holds what it said."""


def why_no_mosquitto() -> str | None:
    """A sentence when mosquitto cannot be run here, else None."""
    if not Path(MOSQUITTO).exists() or shutil.which("mosquitto_passwd") is None:
        return "mosquitto is not installed (apt-get install mosquitto)"
    return None


def why_no_vsftpd() -> str | None:
    """A sentence when vsftpd cannot be run here, else None."""
    if not Path(VSFTPD).exists() or not PAM_SERVICE.exists():
        return "vsftpd is not installed (apt-get install vsftpd)"
    if os.geteuid() != 0:
        return "vsftpd signs its user in through PAM, which needs root"
    namespace = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)  # noqa: S607
    return (
        None
        if namespace.returncode == 0
        else "this machine allows no mount namespace, which the account of its user needs"
    )


@contextmanager
def mosquitto(folder: Path, leaf: Leaf, users: dict[str, str]) -> Iterator[int]:
    """A broker with TLS 1.2 and passwords; yields its port."""
    folder.mkdir(parents=True, exist_ok=True)
    port, passwords = free_port(), folder / "passwords"
    passwords.touch(mode=0o600)
    for user, password in users.items():
        subprocess.run(  # noqa: S603
            ["mosquitto_passwd", "-b", str(passwords), user, password],  # noqa: S607
            check=True,
            capture_output=True,
        )
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\n"
        f"certfile {leaf.certificate_path}\n"
        f"keyfile {leaf.key_path}\n"
        "tls_version tlsv1.2\n"
        "allow_anonymous false\n"
        f"password_file {passwords}\n"
        "persistence false\n" + ("user root\n" if os.geteuid() == 0 else "")
    )
    with _running([MOSQUITTO, "-c", str(config)], folder / "mosquitto.log", port):
        yield port


@contextmanager
def vsftpd(folder: Path, leaf: Leaf, root: Path, access_code: str) -> Iterator[int]:
    """Implicit TLS, session reuse required, one user; `root` is what that user sees. Yields the port.

    The user exists only for this process: its account is laid over the system's files in a mount namespace of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port, empty = free_port(), folder / "empty"
    empty.mkdir(mode=0o755, exist_ok=True)
    overlays = _sign_in_files(folder, access_code)
    config = folder / "vsftpd.conf"
    settings = {
        "listen": "YES",
        "listen_address": "127.0.0.1",
        "listen_port": port,
        "background": "NO",
        "anonymous_enable": "NO",
        "local_enable": "YES",
        "guest_enable": "YES",
        "guest_username": "root",
        "virtual_use_local_privs": "YES",
        "write_enable": "YES",
        "local_root": root,
        "chroot_local_user": "YES",
        "allow_writeable_chroot": "YES",
        "check_shell": "NO",
        "pam_service_name": PAM_SERVICE.name,
        "secure_chroot_dir": empty,
        "seccomp_sandbox": "NO",
        "ssl_enable": "YES",
        "implicit_ssl": "YES",
        "require_ssl_reuse": "YES",
        "force_local_logins_ssl": "YES",
        "force_local_data_ssl": "YES",
        "ssl_ciphers": "HIGH",
        "rsa_cert_file": leaf.certificate_path,
        "rsa_private_key_file": leaf.key_path,
        "xferlog_enable": "YES",
        "vsftpd_log_file": folder / "transfers.log",
        "port_enable": "NO",
    }
    config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    mounts = " && ".join(f"mount --bind {ours} {theirs}" for theirs, ours in overlays.items())
    script = f"{mounts} && exec {VSFTPD} {config}"
    with _running(["unshare", "--mount", "sh", "-c", script], folder / "vsftpd.log", port):
        yield port


def _sign_in_files(folder: Path, access_code: str) -> dict[Path, Path]:
    """Which system file is covered by which of ours: the PAM service, and account files that know our user.

    Only pam_unix is used: vsftpd waits forever when a PAM module starts a child process, as pam_exec does.
    """
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"],  # noqa: S607
        input=access_code,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    contents = {
        PAM_SERVICE: "auth required pam_unix.so\naccount required pam_permit.so\n",
        Path("/etc/passwd"): Path("/etc/passwd").read_text() + f"{USER}:x:0:0::/:/bin/false\n",
        Path("/etc/shadow"): Path("/etc/shadow").read_text() + f"{USER}:{hashed}:20000:0:99999:7:::\n",
    }
    overlays = {}
    for theirs, text in contents.items():
        ours = folder / theirs.name
        ours.touch(mode=0o600)
        ours.write_text(text)
        overlays[theirs] = ours
    overlays[Path("/etc/passwd")].chmod(0o644)
    return overlays


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str], log: Path, port: int) -> Iterator[None]:
    """The program in a process group of its own, until the block ends."""
    with log.open("wb") as output:
        program = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)  # noqa: S603
    try:
        _wait_for(port, program, log)
        yield
    finally:
        _end(program)


def _wait_for(port: int, program: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up_at = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < give_up_at and program.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise ServerFailedError(f"{program.args!r} did not come up: {log.read_text(errors='replace')}")


def _end(program: "subprocess.Popen[bytes]") -> None:
    """Also the children that serve single connections."""
    if program.poll() is None:
        os.killpg(program.pid, signal.SIGTERM)
    try:
        program.wait(STOP_PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait(STOP_PATIENCE_S)
