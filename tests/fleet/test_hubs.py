"""The built-in hub enrols itself; others are added by an admin, who sees the secret once."""

import json
import stat

import pytest
from sqlalchemy import func, select

from hub import protocol
from printfarm.core.work import read_only, unit_of_work
from printfarm.fleet.enrolment import ensure_built_in_hub
from printfarm.fleet.models import Hub
from tests.fleet.conftest import add_printer
from tests.support.hubs import FakeHub, HubRefused


@pytest.fixture
def hub_file(app):
    return app.config["SETTINGS"].hub_dir / "hub.json"


def hubs(app, shop_id):
    with app.app_context(), read_only(shop_id) as db:
        return list(db.scalars(select(Hub)))


def test_nothing_is_enrolled_before_there_is_a_shop(app, hub_file):
    with app.app_context():
        assert not ensure_built_in_hub()
    assert not hub_file.exists()


def test_it_enrols_itself_for_the_first_shop_and_signs_in(app, shop, charlie, served, hub_file):
    with app.app_context():
        assert ensure_built_in_hub()
    written = json.loads(hub_file.read_text())
    assert set(written) == {"url", "hub_id", "secret"}
    assert written["url"] == app.config["SETTINGS"].local_url
    assert stat.S_IMODE(hub_file.stat().st_mode) == 0o600
    assert [one.built_in for one in hubs(app, shop.id)] == [True]
    assert not hubs(app, charlie.shop_id)
    with FakeHub(served.url, written["hub_id"], written["secret"]) as fake:
        fake.hear(protocol.SyncPrinters)


def test_it_happens_once(app, shop, hub_file):
    with app.app_context():
        assert ensure_built_in_hub()
        before = hub_file.read_bytes()
        assert not ensure_built_in_hub()
    assert hub_file.read_bytes() == before
    assert len(hubs(app, shop.id)) == 1


@pytest.mark.parametrize("loss", ["gone", "garbage", "foreign"])
def test_a_lost_file_is_written_again_for_the_same_hub(app, shop, hub_file, loss):
    with app.app_context():
        ensure_built_in_hub()
        before = hub_file.read_bytes()
        if loss == "gone":
            hub_file.unlink()
        else:
            hub_file.write_text(
                "{"
                if loss == "garbage"
                else '{"hub_id": "01a1fd3c-df91-70e1-9d4f-377b3a9fa6eb", "secret": "x", "url": ""}'
            )
        assert ensure_built_in_hub()
    assert hub_file.read_bytes() == before
    assert len(hubs(app, shop.id)) == 1


def test_the_sweeps_do_it(app, shop, hub_file):
    from jobs.sweeps import run_due

    with app.app_context():
        run_due()
    assert hub_file.exists()


class TestWithoutAHub:
    @pytest.fixture
    def settings_environ(self, settings_environ):
        return {**settings_environ, "PRINTFARM_HUB": "off"}

    def test_it_is_not_enrolled(self, app, shop, hub_file):
        with app.app_context():
            assert not ensure_built_in_hub()
        assert not hub_file.exists()


def test_an_admin_adds_a_hub_and_sees_its_secret_once(app, shop, adam, served):
    page = adam.post("/fleet/hubs", {"name": "Garage"})
    assert page.status == 200
    shown = [tag.get_text(strip=True) for tag in page.all("dd")]
    url, hub_id, secret = shown[:3]
    assert url.startswith("http")
    with FakeHub(served.url, hub_id, secret) as fake:
        fake.hear(protocol.SyncPrinters)
        assert "Connected" in adam.get("/fleet/hubs").one(f"#hub-{hub_id}").get_text()
    assert secret not in adam.get("/fleet/hubs").response.get_data(as_text=True)
    assert all(secret not in one.secret_sealed for one in hubs(app, shop.id))


@pytest.mark.parametrize("name", ["", "x" * 61, "Shelf"])
def test_bad_names(app, shop, adam, hub, name):
    answer = adam.post("/fleet/hubs", {"name": name})
    assert answer.status == 422
    assert answer.one("#name-error")
    assert len(hubs(app, shop.id)) == 1


def test_a_hub_with_printers_is_not_archived(app, shop, adam, hub, printer):
    answer = adam.post(f"/fleet/hubs/{hub.id}/archive")
    assert answer.status == 409
    assert "1 printer is connected through Shelf" in answer.text


def test_an_archived_hub_leaves_the_list_and_cannot_sign_in(adam, hub, served):
    assert adam.post(f"/fleet/hubs/{hub.id}/archive").status == 303
    assert "Shelf" not in adam.get("/fleet/hubs").text
    with pytest.raises(HubRefused):
        FakeHub(served.url, hub.id, hub.secret).sign_in()


def test_the_built_in_hub_is_not_archived(app, shop, adam):
    with app.app_context():
        ensure_built_in_hub()
    answer = adam.post(f"/fleet/hubs/{hubs(app, shop.id)[0].id}/archive")
    assert answer.status == 409
    assert "PRINTFARM_HUB=off" in answer.text


def test_only_admins(olga, charlie, hub):
    assert olga.get("/fleet/hubs").status == 403
    assert olga.post("/fleet/hubs", {"name": "Mine"}).status == 403
    assert "Shelf" not in charlie.get("/fleet/hubs").text
    assert charlie.post(f"/fleet/hubs/{hub.id}/archive").status == 404


def test_a_printer_can_change_its_hub(app, shop, hub, printer, adam, served):
    from tests.fleet.test_set_up_printer import form

    with app.app_context(), unit_of_work(shop.id) as db:
        from printfarm.fleet import service

        other = service.add_hub(db, "Garage")
    with FakeHub(served.url, hub.id, hub.secret) as old, FakeHub(served.url, other.id, other.secret) as new:
        assert len(old.hear(protocol.SyncPrinters).printers) == 1
        assert not new.hear(protocol.SyncPrinters).printers
        adam.post(f"/fleet/printers/{printer.id}/edit", form(other, access_code=""))
        assert not old.hear(protocol.SyncPrinters).printers
        assert len(new.hear(protocol.SyncPrinters).printers) == 1
        old.status(printer.id, state="printing")  # no longer its own
        new.status(printer.id)


def test_many_hubs_of_one_name_in_two_shops(app, shop, charlie, hub):
    with app.app_context(), unit_of_work(charlie.shop_id) as db:
        from printfarm.fleet import service

        service.add_hub(db, "Shelf")
        assert db.scalar(select(func.count()).select_from(Hub)) == 1


def test_hundreds_of_printers_are_told_in_several_messages(app, shop, hub, served):
    for number in range(120):
        add_printer(
            app, shop, hub, name=f"P{number}", serial=f"01P00A{number:09}", address="a" * 60 + f".{number}.example"
        )
    with FakeHub(served.url, hub.id, hub.secret) as fake:
        first = fake.hear(protocol.SyncPrinters)
        assert first.parts > 1
        told = list(first.printers)
        for _ in range(first.parts - 1):
            told += fake.hear(protocol.SyncPrinters).printers
    assert len(told) == 120
