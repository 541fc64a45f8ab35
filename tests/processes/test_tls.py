"""TLS without a proxy: the certificate that is made here, and a hub that trusts it."""

import datetime as dt
import stat
from pathlib import Path

import pytest
import time_machine
from cryptography import x509

from printfarm.application import build
from printfarm.config import Settings, load_settings
from printfarm.processes.tls import certificate_files, trusted_certificates
from tests.processes.running import Up, environment, free_port, until
from tests.support.cast import open_shop_with


def settings(tmp_path: Path, **environ: str) -> Settings:
    return load_settings({"PRINTFARM_DATA_DIR": str(tmp_path), "PRINTFARM_TLS": "self-signed", **environ})


def names(path: Path) -> set[str]:
    found = x509.load_pem_x509_certificate(path.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return {str(name.value) for name in found.value}


def test_it_names_this_machine_and_the_public_name(tmp_path: Path):
    cert, key = certificate_files(
        settings(tmp_path, PRINTFARM_PUBLIC_URL="https://print.example.com", PRINTFARM_HOST="10.0.0.7")
    )
    assert {"localhost", "127.0.0.1", "print.example.com", "10.0.0.7"} <= names(cert)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_it_stays_the_same_until_it_ends_soon(tmp_path: Path):
    cert, _ = certificate_files(settings(tmp_path))
    first = cert.read_bytes()
    certificate_files(settings(tmp_path))
    assert cert.read_bytes() == first
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=800)):
        certificate_files(settings(tmp_path))
    assert cert.read_bytes() != first


def test_a_new_public_name_needs_a_new_one(tmp_path: Path):
    cert, _ = certificate_files(settings(tmp_path))
    first = cert.read_bytes()
    certificate_files(settings(tmp_path, PRINTFARM_PUBLIC_URL="https://other.example.com"))
    assert cert.read_bytes() != first
    assert "other.example.com" in names(cert)


def test_phones_would_accept_its_length(tmp_path: Path):
    cert = x509.load_pem_x509_certificate(certificate_files(settings(tmp_path))[0].read_bytes())
    assert cert.not_valid_after_utc - cert.not_valid_before_utc < dt.timedelta(days=825)


def test_the_hub_trusts_ours_beside_what_the_system_trusts(tmp_path: Path):
    own = certificate_files(settings(tmp_path))[0].read_text()
    bundle = trusted_certificates(settings(tmp_path)).read_text()
    assert own in bundle
    assert bundle.count("BEGIN CERTIFICATE") > 1, "this machine's own trusted certificates were not found"


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_everything_runs_over_https_with_a_certificate_of_our_own(short_tmp: Path):
    folder = short_tmp / "https"
    more = {"PRINTFARM_TLS": "self-signed", "PRINTFARM_HUB": "on", "PRINTFARM_PORT": str(free_port())}
    with Up(folder, **more) as up:
        assert up.wait_for("PrintFarm is ready").endswith(f"https://localhost:{up.port}")
        app = build(load_settings(environment(folder, **more)))
        open_shop_with(app, email="alice@example.com", name="Alice", shop_name="Alice's Prints")
        up.wait_for("signed in to web")
        until(
            lambda: any("is connected" in line for line in up.lines),
            20,
            lambda: f"the hub is not connected: {up.lines[-20:]}",
        )
