"""Settings: typed, with sane defaults, and refused with a sentence."""

import os
import stat
import threading
from pathlib import Path

import pytest

from printfarm.config import Settings, SettingsError, load_settings


def settings(tmp_path: Path, **environ: str) -> Settings:
    return load_settings({"PRINTFARM_DATA_DIR": str(tmp_path), **{f"PRINTFARM_{k}": v for k, v in environ.items()}})


def test_nothing_is_needed(tmp_path: Path):
    made = settings(tmp_path)
    assert made.port == 8080
    assert made.database_url == f"sqlite:///{tmp_path}/printfarm.db"
    assert made.database_owner_url == made.database_url
    assert made.sqlite_path == tmp_path / "printfarm.db"
    assert made.redis_is_embedded
    assert not made.uses_s3
    assert made.max_sockets == 256 - 16 - 32
    assert made.max_upload_bytes == 200 * 1024 * 1024


def test_an_empty_variable_counts_as_absent(tmp_path: Path):
    assert settings(tmp_path, PORT="", REDIS_URL=" ") == settings(tmp_path)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PORT": "80a"}, "PRINTFARM_PORT must be a whole number from 1 to 65535, not '80a'."),
        ({"PORT": "70000"}, "PRINTFARM_PORT must be a whole number"),
        ({"PORT": "tcp://10.0.0.1:80"}, "PRINTFARM_PORT must be a whole number"),
        ({"PROT": "80"}, "PRINTFARM_PROT is not a setting. Did you mean PRINTFARM_PORT?"),
        ({"TLS": "yes"}, "PRINTFARM_TLS must be one of off, self-signed, files, not 'yes'."),
        ({"TLS": "files"}, "needs both PRINTFARM_TLS_CERT and PRINTFARM_TLS_KEY"),
        ({"TLS": "files", "TLS_CERT": "/no", "TLS_KEY": "/no"}, "there is no file /no"),
        ({"TLS": "files", "TLS_CERT": __file__, "TLS_KEY": __file__}, "needs PRINTFARM_PUBLIC_URL as well"),
        ({"TLS_CERT": "/no"}, "need PRINTFARM_TLS=files"),
        ({"DATABASE_URL": "mysql://x/y"}, "PRINTFARM_DATABASE_URL must be an address that begins with postgresql://"),
        ({"DATABASE_URL": "sqlite://"}, "a file that all processes share"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "a file that all processes share"),
        ({"DATABASE_OWNER_URL": "postgresql://x/y"}, "must name the same database"),
        ({"REDIS_URL": "http://x"}, "PRINTFARM_REDIS_URL must be an address that begins with redis://"),
        ({"REDIS_URL": "redis://x:99999"}, "PRINTFARM_REDIS_URL must be an address"),
        ({"PUBLIC_URL": "print.example.com"}, "PRINTFARM_PUBLIC_URL must be an address that begins with https://"),
        ({"PUBLIC_URL": "https://example.com/farm"}, "a host name of its own"),
        ({"PUBLIC_URL": "https://example.com?x=1"}, "a host name of its own"),
        ({"S3_ENDPOINT": "https://r2"}, "PRINTFARM_S3_BUCKET is missing"),
        ({"S3_BUCKET": "b", "S3_ACCESS_KEY": "a"}, "belong together"),
        ({"SECRET_KEY": "hunter2"}, "PRINTFARM_SECRET_KEY must be 64 hexadecimal digits"),
        ({"THREADS": "48"}, "leave nothing for live pages"),
        ({"MAX_SOCKETS": "400"}, "PRINTFARM_MAX_SOCKETS must be a whole number from 1 to 208"),
        ({"HUB": "maybe"}, "PRINTFARM_HUB must be one of on, off"),
        ({"SIMULATOR_SPEED": "nan"}, "PRINTFARM_SIMULATOR_SPEED must be a number"),
    ],
)
def test_wrong_values_are_sentences(tmp_path: Path, environ: dict[str, str], sentence: str):
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, **environ)
    assert sentence in str(refused.value)


def test_secrets_are_never_shown(tmp_path: Path):
    made = settings(
        tmp_path,
        SECRET_KEY="ab" * 32,
        DATABASE_URL="postgresql://app:hunter2@db/x",
        S3_BUCKET="b",
        S3_ACCESS_KEY="a",
        S3_SECRET_KEY="hunter3",
    )
    assert "abab" not in repr(made)
    assert "hunter" not in repr(made)


def test_addresses(tmp_path: Path):
    assert settings(tmp_path, PORT="81").address == "http://localhost:81"
    assert settings(tmp_path, HOST="192.168.1.5", TLS="self-signed").address == "https://192.168.1.5:8080"
    assert settings(tmp_path, HOST="192.168.1.5").local_url == "http://192.168.1.5:8080"
    assert settings(tmp_path, HOST="::").local_url == "http://127.0.0.1:8080"
    assert settings(tmp_path, PUBLIC_URL="https://print.example.com/").address == "https://print.example.com"
    assert settings(tmp_path, DATABASE_URL="postgres://a@b/c").database_url == "postgresql://a@b/c"
    assert settings(tmp_path, S3_BUCKET="b", S3_PREFIX="/shop/").s3_prefix == "shop/"


def test_a_long_folder_gets_a_short_socket(tmp_path: Path):
    long = tmp_path / ("x" * 120)
    path = settings(long).redis_socket
    assert path is not None
    assert len(os.fsencode(path)) < 104
    assert path == settings(long).redis_socket
    assert path != settings(tmp_path / ("y" * 120)).redis_socket


def test_the_key_file_is_made_once_and_only_for_us(tmp_path: Path):
    first = settings(tmp_path / "new").secret
    path = tmp_path / "new" / "secret.key"
    assert len(first) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert settings(tmp_path / "new").secret == first
    assert settings(tmp_path, SECRET_KEY=path.read_text().strip()).secret == first
    assert [left.name for left in path.parent.iterdir()] == ["secret.key"]


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path):
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(settings(tmp_path).secret)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_damaged_key_file_is_a_sentence(tmp_path: Path):
    (tmp_path / "secret.key").write_text("oops")
    with pytest.raises(SettingsError, match="does not hold 64 hexadecimal digits"):
        _ = settings(tmp_path).secret
