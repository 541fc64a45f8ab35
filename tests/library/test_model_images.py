"""A person gives a model pictures: several at once, in an order, one of them the main one; and what is no picture."""

import io
from uuid import UUID, uuid4

import pytest
from PIL import Image
from sqlalchemy import select

from jobs.library import prepare_image
from jobs.sweeps import DOES
from printfarm.accounts.models import Shop
from printfarm.core.owed import Owed
from printfarm.core.storage import storage, storage_key
from printfarm.core.work import read_only, unit_of_work
from printfarm.files.models import StoredFile
from printfarm.library import service
from printfarm.library.image_child import NotShowable, write_sizes
from printfarm.library.image_kinds import DAMAGED, HEIC, NO_PICTURE, SVG, TOO_MANY_PIXELS
from printfarm.library.models import Model
from printfarm.library.service import MOST_IMAGES, ModelFacts
from tests.support import pictures
from tests.support.pictures import picture
from tests.support.uploads import add_variant, sliced


@pytest.fixture
def model_id(olga) -> UUID:
    with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
        return service.add_model(db, ModelFacts(name="Fox")).id


def send(person, model_id, *contents: bytes | tuple[str, bytes]):
    named = [one if isinstance(one, tuple) else (f"photo {n}.jpg", one) for n, one in enumerate(contents, 1)]
    files = [(io.BytesIO(content), name) for name, content in named]
    return person.post(f"/library/models/{model_id}/images", {"images": files}, content_type="multipart/form-data")


def images_of(person, model_id) -> list:
    with person.app.app_context(), read_only(person.shop_id) as db:
        return service.images_of(db, model_id)


def work(person, model_id) -> list:
    """What the worker does, here and now."""
    with person.app.app_context():
        for image in images_of(person, model_id):
            prepare_image(str(person.shop_id), str(image.id))
    return images_of(person, model_id)


def model_of(person, model_id):
    with person.app.app_context(), read_only(person.shop_id) as db:
        return service.find_model(db, model_id)


def owed(person) -> set[str]:
    with person.app.app_context(), read_only(None) as db:
        return set(db.scalars(select(Owed.kind)))


def test_several_pictures_are_written_anew_in_every_size(olga, bob, model_id) -> None:
    png = ("b.png", picture(kind="PNG"))
    assert send(olga, model_id, picture(1600, 1200), png, ("c.webp", picture(kind="WEBP"))).status == 303
    waiting = olga.get(f"/library/models/{model_id}/images")
    assert len(waiting.all(".tile .state.tone-busy")) == 3
    images = work(olga, model_id)
    assert [image.state for image in images] == ["done"] * 3
    assert "prepare-image" not in owed(olga)
    for size, side in (("", 640), ("?size=medium", 320), ("?size=small", 160)):
        answer = bob.get(f"/files/pictures/{images[0].file_id}{size}")
        shown = Image.open(io.BytesIO(answer.response.data))
        assert (shown.format, shown.size) == ("WEBP", (side, side * 3 // 4))
    assert len(olga.get(f"/library/models/{model_id}/images").all(".tile img")) == 3
    assert len(bob.get(f"/library/models/{model_id}").all(".strip img")) == 3
    with olga.app.app_context():
        assert storage().size(storage_key(olga.shop_id, "incoming", images[0].id)) is None


def test_the_first_becomes_the_main_one_and_another_can_be_chosen(olga, tmp_path) -> None:
    add_variant(olga, sliced(tmp_path, title="Fox"))
    with olga.app.app_context(), read_only(olga.shop_id) as db:
        model = db.scalars(select(Model)).one()
        (of_plate,) = service.plate_pictures(db, model.id)
    assert model.picture_id == of_plate
    send(olga, model.id, picture(), picture(colour="#000000"))
    first, second = work(olga, model.id)
    assert model_of(olga, model.id).picture_id == first.file_id
    for chosen in (second.file_id, of_plate):
        assert olga.post(f"/library/models/{model.id}/picture", {"picture": str(chosen)}).status == 303
        assert model_of(olga, model.id).picture_id == chosen


def test_the_order_is_changed_by_plain_buttons_and_by_htmx(olga, model_id) -> None:
    send(olga, model_id, *(picture(colour=colour) for colour in ("#110000", "#001100", "#000011")))
    one, two, three = (image.id for image in work(olga, model_id))
    page = olga.get(f"/library/models/{model_id}/images")
    assert [tile["data-image"] for tile in page.all("[data-image]")] == [str(one), str(two), str(three)]
    forward = page.one(f"#image-{three} form:has([title='Move forward'])")
    assert forward.select_one("[name=after]")["value"] == str(one)
    assert olga.post(forward["action"], {"after": str(one)}).status == 303
    assert [image.id for image in images_of(olga, model_id)] == [one, three, two]
    part = olga.post(f"/library/images/{two}/move", {"after": ""}, htmx=True)
    assert [tile["data-image"] for tile in part.all("[data-image]")] == [str(two), str(one), str(three)]
    stale = olga.post(f"/library/images/{two}/move", {"after": str(uuid4())})
    assert stale.status == 409
    assert olga.post(f"/library/images/{two}/move", {"after": str(two)}).status == 409


def test_a_removed_picture_is_gone_from_the_storage_too(app, olga, model_id) -> None:
    send(olga, model_id, picture(), picture(colour="#000000"))
    first, second = work(olga, model_id)
    assert olga.post(f"/library/images/{first.id}/remove").status == 303
    assert model_of(olga, model_id).picture_id == second.file_id
    assert olga.get(f"/files/pictures/{first.file_id}").status == 404
    assert "forget-file" in owed(olga)
    olga.post(f"/library/images/{second.id}/remove")
    assert model_of(olga, model_id).picture_id is None
    with app.app_context(), read_only(olga.shop_id) as db:
        assert db.scalars(select(StoredFile)).all() == []


def test_one_that_is_removed_while_it_is_prepared_leaves_nothing(olga, model_id) -> None:
    send(olga, model_id, picture())
    (image,) = images_of(olga, model_id)
    olga.post(f"/library/images/{image.id}/remove")
    with olga.app.app_context():
        prepare_image(str(olga.shop_id), str(image.id))
        with unit_of_work(olga.shop_id) as db:
            service.finish_image(db, image.id, service.PreparedImage("x", 1, 1, 1))
            assert db.get(StoredFile, image.id) is None
    assert owed(olga) - {"sweep-storage"} == {"forget-file"}


def test_the_worker_may_come_twice(olga, model_id) -> None:
    send(olga, model_id, picture())
    work(olga, model_id)
    (image,) = work(olga, model_id)
    assert image.state == "done"


def test_bytes_that_are_lost_are_said_to_be_lost(olga, model_id) -> None:
    send(olga, model_id, picture())
    (image,) = images_of(olga, model_id)
    with olga.app.app_context():
        storage().delete(storage_key(olga.shop_id, "incoming", image.id))
    (image,) = work(olga, model_id)
    assert (image.state, image.error) == ("failed", "The picture is no longer in the storage. Add it again.")


def test_a_worker_that_dies_again_and_again_ends_it(olga, model_id) -> None:
    send(olga, model_id, picture())
    (image,) = images_of(olga, model_id)
    with olga.app.app_context():
        for _ in range(3):
            with unit_of_work(olga.shop_id) as db:
                assert service.start_preparing(db, image.id) is not None
        with unit_of_work(olga.shop_id) as db:
            assert service.start_preparing(db, image.id) is None
    assert "could not be prepared" in olga.get(f"/library/models/{model_id}/images").text


def test_what_is_owed_has_a_job() -> None:
    assert DOES["prepare-image"][0] == "jobs.library.prepare_image"


class TestHostile:
    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (pictures.SVG, SVG),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", SVG),
            (pictures.HEIC, HEIC),
            (pictures.bomb(), TOO_MANY_PIXELS),
            (b"GIF89a" + b"\0" * 50, "GIF"),
            (b"%PDF-1.7", "PDF"),
            (b"MZ\x90\0", NO_PICTURE),
            (b"", "This file is empty."),
            (b"<html><script>alert(1)</script>", NO_PICTURE),
        ],
    )
    def test_it_is_refused_with_a_sentence_and_nothing_is_kept(self, content, sentence, olga, model_id) -> None:
        sent = send(olga, model_id, ("evil.jpg", content), picture())
        page = olga.get(sent.location)
        assert "evil.jpg: " in page.text
        assert sentence in page.text
        assert len(images_of(olga, model_id)) == 1

    @pytest.mark.parametrize(
        "content", [picture()[:300], picture(kind="PNG")[:60], b"\xff\xd8\xff" + b"x" * 500, b"RIFF\0\0\0\0WEBPVP8 "]
    )
    def test_what_is_damaged_is_found_by_the_worker(self, content, olga, model_id) -> None:
        send(olga, model_id, content)
        (image,) = work(olga, model_id)
        assert image.state == "failed"
        assert image.error in {DAMAGED, NO_PICTURE}
        page = olga.get(f"/library/models/{model_id}/images")
        assert image.error in page.text
        assert olga.post(f"/library/images/{image.id}/remove").status == 303

    def test_a_photo_is_turned_upright_and_says_nothing_of_place_and_time(self, olga, bob, model_id) -> None:
        send(olga, model_id, pictures.turned_photo())
        (image,) = work(olga, model_id)
        content = bob.get(f"/files/pictures/{image.file_id}").response.data
        shown = Image.open(io.BytesIO(content))
        assert shown.size == (200, 400)
        assert not shown.getexif()
        assert b"2026:11:21" not in content

    def test_too_many_pixels_in_a_jpeg_are_refused_by_the_writer(self, tmp_path, monkeypatch) -> None:
        (tmp_path / "large").write_bytes(picture(2000, 2000))
        monkeypatch.setattr("printfarm.library.image_kinds.LARGEST_JPEG_PX", 1_000_000)
        with pytest.raises(NotShowable, match="too many pixels"):
            write_sizes(tmp_path / "large", tmp_path)

    def test_no_more_than_a_model_carries(self, olga, model_id) -> None:
        with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
            for number in range(MOST_IMAGES - 1):
                service.add_image(db, model_id, uuid4(), f"{number}.jpg")
        sent = send(olga, model_id, picture(), picture())
        assert f"{MOST_IMAGES} pictures at most" in olga.get(sent.location).text
        assert len(images_of(olga, model_id)) == MOST_IMAGES

    def test_a_shop_without_room_keeps_nothing(self, olga, model_id) -> None:
        with olga.app.app_context(), unit_of_work(None) as db:
            db.get_one(Shop, olga.shop_id).quota_bytes = 10
        refused = send(olga, model_id, picture())
        assert refused.status == 413
        assert "more room" in refused.text
        assert images_of(olga, model_id) == []

    def test_thirteen_at_once_are_too_many(self, olga, model_id) -> None:
        assert send(olga, model_id, *([picture(2, 2)] * 13)).status == 413

    def test_nothing_chosen_says_so(self, olga, model_id) -> None:
        answer = olga.post(f"/library/models/{model_id}/images", {}, content_type="multipart/form-data")
        assert answer.status == 422
        assert "nothing was sent" in answer.text

    def test_a_form_that_is_not_ours_is_refused(self, olga, model_id) -> None:
        form = {"csrf_token": "x", "images": (io.BytesIO(picture()), "a.jpg")}
        assert olga.post(f"/library/models/{model_id}/images", form, content_type="multipart/form-data").status == 400
        assert images_of(olga, model_id) == []


def test_a_viewer_may_not(bob, olga, model_id) -> None:
    send(olga, model_id, picture())
    (image,) = work(olga, model_id)
    assert bob.get(f"/library/models/{model_id}/images").status == 403
    assert send(bob, model_id, picture()).status == 403
    assert bob.post(f"/library/images/{image.id}/move").status == 403
    assert bob.post(f"/library/images/{image.id}/remove").status == 403
    assert bob.post(f"/library/models/{model_id}/picture", {"picture": str(image.file_id)}).status == 403


def test_another_shop_finds_nothing(charlie, olga, model_id) -> None:
    send(olga, model_id, picture())
    (image,) = work(olga, model_id)
    assert charlie.get(f"/library/models/{model_id}/images").status == 404
    assert send(charlie, model_id, picture()).status == 404
    assert charlie.post(f"/library/images/{image.id}/move").status == 404
    assert charlie.post(f"/library/images/{image.id}/remove").status == 404
    with charlie.app.app_context(), unit_of_work(charlie.shop_id) as db:
        own = service.add_model(db, ModelFacts(name="Mine")).id
    assert charlie.post(f"/library/models/{own}/picture", {"picture": str(image.file_id)}).status == 409
