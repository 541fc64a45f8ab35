"""The same bytes a second time: said, linked, and never stored twice."""

import threading
from uuid import UUID

from sqlalchemy import func, select

from printfarm.core.work import read_only
from printfarm.files.models import StoredFile, Upload
from tests.support.browser import Browser
from tests.support.uploads import add_variant, arrive, arrive_and_read, read, send, sliced, state_of


def files_of(person) -> list[str]:
    folder = person.app.config["SETTINGS"].files_dir / str(person.shop_id) / "sliced"
    return sorted(path.name for path in folder.iterdir())


def test_it_leads_to_the_variant_that_is_there(olga, tmp_path) -> None:
    file = sliced(tmp_path, title="Fox")
    variant_id = add_variant(olga, file)
    answer = send(olga, file)
    assert (answer.status, answer.json["duplicate"]) == (201, True)
    page = olga.get(answer.json["url"])
    assert "This shop has the same file already" in page.text
    assert page.one("a.button-primary")["href"] == f"/library/variants/{variant_id}"
    assert len(files_of(olga)) == 1


def test_it_leads_to_the_upload_that_still_waits(olga, tmp_path) -> None:
    file = sliced(tmp_path)
    first = arrive_and_read(olga, file)
    page = olga.get(send(olga, file).json["url"])
    assert page.one("a.button-primary")["href"] == f"/library/uploads/{first}"


def test_it_counts_as_through(olga, tmp_path) -> None:
    file = sliced(tmp_path)
    add_variant(olga, file)
    second = arrive(olga, file)
    assert olga.get("/files/?show=ended").one(f"#upload-{second}")
    assert not olga.get("/files/").all(f"#upload-{second}")


def test_another_name_does_not_hide_it(olga, tmp_path) -> None:
    file = sliced(tmp_path)
    arrive(olga, file)
    second = arrive(olga, ("Quite another name.3mf", file.read_bytes()))
    assert state_of(olga.app, olga.shop_id, second).state == "duplicate"


def test_after_the_first_was_removed_it_is_new_again(olga, tmp_path) -> None:
    file = sliced(tmp_path)
    first = arrive(olga, file)
    second = arrive(olga, file)
    assert olga.post(f"/files/uploads/{first}/discard").status == 303
    assert "It has been removed since" in olga.get(f"/library/uploads/{second}").text
    assert read(olga, arrive(olga, file)).state == "needs-answer"


def test_two_at_the_same_moment_make_one_file(app, olga, tmp_path) -> None:
    """However close they come, the database lets one of them in."""
    content = sliced(tmp_path).read_bytes()
    start, answers = threading.Barrier(4), []

    def upload() -> None:
        person = type(olga)(
            app, olga.shop_id, olga.user_id, "operator", Browser(app).signed_in(olga.user_id, olga.shop_id)
        )
        start.wait()
        answers.append(send(person, ("same.3mf", content)))

    threads = [threading.Thread(target=upload) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [201] * 4, [answer.json for answer in answers]
    states = [state_of(app, olga.shop_id, UUID(answer.json["id"])).state for answer in answers]
    assert sorted(states) == ["duplicate"] * 3 + ["received"]
    with app.app_context(), read_only(olga.shop_id) as db:
        assert db.scalar(select(func.count()).select_from(StoredFile)) == 1
        kept = db.scalar(select(StoredFile.id))
        assert set(db.scalars(select(Upload.duplicate_of_id).where(Upload.state == "duplicate"))) == {kept}
