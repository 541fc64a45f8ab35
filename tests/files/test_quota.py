"""What a shop may store: its own limit, else the installation's; told before a byte is sent, and held when a file is kept."""

from uuid import UUID

import pytest
from sqlalchemy import func, select

from printfarm.accounts.models import Shop
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import quota, sending
from printfarm.files.models import StoredFile, Upload
from printfarm.processes import keeping
from tests.files.test_send_in_pieces import begin, post_piece, send_rest
from tests.support.uploads import JSON, arrive, arrive_and_read, read, send, sliced, state_of


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(sending, "PIECE_BYTES", 1000)


def limit(person, size_bytes: int | None) -> None:
    with person.app.app_context(), unit_of_work(person.shop_id) as db:
        db.get(Shop, person.shop_id).quota_bytes = size_bytes


def room(person) -> quota.Room:
    with person.app.app_context(), read_only(person.shop_id) as db:
        return quota.room(db)


def count(person, kind) -> int:
    with person.app.app_context(), read_only(person.shop_id) as db:
        return db.scalar(select(func.count()).select_from(kind))


def test_without_a_limit_there_is_none(olga, tmp_path) -> None:
    file = sliced(tmp_path)
    arrive(olga, file)
    assert room(olga) == quota.Room(file.stat().st_size, None)


def test_over_the_limit_is_refused_before_a_byte_is_sent(olga) -> None:
    limit(olga, 5000)
    answer = begin(olga, b"x" * 5001)
    assert answer.status == 413
    assert "This shop uses 0 B of its 5 kB, and this file has 5 kB." in answer.json["error"]
    assert "Remove uploads that nobody needs" in answer.json["error"]
    assert count(olga, Upload) == 0
    assert begin(olga, b"x" * 5000).status == 200


def test_what_is_half_sent_counts_whole(olga) -> None:
    limit(olga, 5000)
    step = begin(olga, b"x" * 3000).json
    assert room(olga).used_bytes == 3000
    assert begin(olga, b"y" * 2001, name="other.gcode").status == 413
    assert begin(olga, b"x" * 3000).json["upload_id"] == step["upload_id"]
    olga.post(step["cancel_url"], headers=JSON)
    assert room(olga).used_bytes == 0
    assert begin(olga, b"y" * 2001, name="other.gcode").status == 200


def test_a_plain_form_is_refused_with_the_same_sentence(olga, tmp_path) -> None:
    limit(olga, 1000)
    answer = send(olga, sliced(tmp_path))
    assert answer.status == 413
    assert "of its 1 kB" in answer.json["error"]
    assert count(olga, StoredFile) == 0
    folder = olga.app.config["SETTINGS"].files_dir
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_limit_that_was_lowered_meanwhile_holds_when_the_file_is_kept(olga, tmp_path) -> None:
    content = sliced(tmp_path).read_bytes()
    upload_id = send_rest(olga, begin(olga, content).json, content)
    limit(olga, 1000)
    upload = read(olga, upload_id)
    assert (upload.state, "of its 1 kB" in upload.error) == ("failed", True)
    assert count(olga, StoredFile) == 0
    assert room(olga).used_bytes == 0


def test_a_duplicate_needs_no_room(olga, tmp_path) -> None:
    file = sliced(tmp_path)
    first = arrive_and_read(olga, file)
    limit(olga, room(olga).used_bytes + 1)
    assert state_of(olga.app, olga.shop_id, arrive(olga, file)).duplicate_of_id == first


def test_another_shops_files_do_not_count(alice, charlie, tmp_path) -> None:
    arrive(alice, sliced(tmp_path))
    assert room(charlie).used_bytes == 0


def test_what_the_file_takes_is_not_counted_twice_while_it_is_read(olga, tmp_path) -> None:
    content = sliced(tmp_path).read_bytes()
    limit(olga, len(content))
    upload_id = send_rest(olga, begin(olga, content).json, content)
    assert room(olga).used_bytes == len(content)
    assert read(olga, upload_id).error is None


def test_the_settings_show_what_is_used(alice, olga, tmp_path) -> None:
    arrive(olga, sliced(tmp_path))
    assert "There is no limit for this shop but the disk." in alice.get("/shop").text
    limit(alice, 20_000_000)
    page = alice.get("/shop")
    assert "of 20.0 MB are used" in page.text
    limit(alice, 1)
    assert "ask the person who runs PrintFarm" in alice.get("/shop").text


class TestOfTheInstallation:
    @pytest.fixture
    def settings_environ(self, settings_environ):
        return settings_environ | {"PRINTFARM_SHOP_QUOTA_GB": "3"}

    def test_it_holds_unless_the_shop_has_its_own(self, olga) -> None:
        assert room(olga).limit_bytes == 3_000_000_000
        limit(olga, 7)
        assert room(olga).limit_bytes == 7
        limit(olga, quota.NO_LIMIT_BYTES)
        assert room(olga).limit_bytes is None

    def test_the_command_shows_and_sets_it(self, olga, tmp_path, capsys) -> None:
        import sys

        settings = olga.app.config["SETTINGS"]
        arrive(olga, ("a.gcode", b"x" * 5000))
        keeping.quota(settings, None, None, sys.stdout)
        assert "Alice's Prints: 5 kB used, of 3000.0 MB" in capsys.readouterr().out
        for gb, expected in (("0.5", 500_000_000), ("none", None), ("default", 3_000_000_000)):
            keeping.quota(settings, "Alice's Prints", gb, sys.stdout)
            assert room(olga).limit_bytes == expected

    @pytest.mark.parametrize(
        ("name", "gb", "words"),
        [
            ("Nobody's", "5", "no shop"),
            ("Alice's Prints", "much", "is no limit"),
            ("Alice's Prints", "-1", "is no limit"),
            ("Alice's Prints", "nan", "is no limit"),
            ("Alice's Prints", "1e30", "is no limit"),
        ],
    )
    def test_nonsense_is_a_sentence(self, name, gb, words, olga) -> None:
        import sys

        from printfarm.core.errors import DomainError

        with pytest.raises(DomainError, match=words):
            keeping.quota(olga.app.config["SETTINGS"], name, gb, sys.stdout)


def test_two_that_begin_together_do_not_spend_the_same_room(olga) -> None:
    """Each begins in a thread of its own; the shop is held while the room is counted."""
    from concurrent.futures import ThreadPoolExecutor

    from printfarm.core.errors import DomainError
    from printfarm.files.forms import OfferedFile

    limit(olga, 1000)

    def offer(number: int) -> UUID | str:
        with olga.app.app_context():
            try:
                return sending.begin(olga.shop_id, None, OfferedFile(name=f"{number}.gcode", size=400))
            except DomainError as refusal:
                return refusal.sentence

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(offer, range(6)))
    assert sum(isinstance(answer, UUID) for answer in answers) == 2
    assert room(olga).used_bytes == 800


def test_two_windows_that_begin_the_same_file_together_get_one_upload(olga) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from printfarm.files.forms import OfferedFile

    def offer(_number: int) -> UUID:
        with olga.app.app_context():
            return sending.begin(olga.shop_id, None, OfferedFile(name="same.gcode", size=400))

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(offer, range(6)))) == 1
    assert post_piece(olga, begin(olga, b"x" * 400, name="same.gcode", modified=0).json, b"x" * 400).status_code == 200
    assert count(olga, Upload) == 1
