"""SIGKILL of each process at every step of the main job: the job ends once, the printer starts once, the grams go once."""

import time

import pytest

from tests.faults.shop import KILOGRAM_MG, RunningShop
from tests.support.shopkeeper import one, words

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("victim", ["web", "worker-slow", "worker-fast", "hub", "redis"])
def test_the_main_job_survives_the_death_of(victim, running_shop):
    shop: RunningShop = running_shop
    keeper = shop.keeper

    # The file is received, then read.
    page = keeper.open("/files/")
    with shop.file().open("rb") as stream:
        keeper.submit(page, "form[enctype]", files=[("files", ("Boat.gcode.3mf", stream, "application/octet-stream"))])
    shop.kill(victim)
    page = keeper.wait_for("/files/", lambda seen: bool(seen.select("a[href*='/library/uploads/']")))
    upload = str(page.select("a[href*='/library/uploads/']")[0]["href"])
    page = keeper.wait_for(upload, lambda seen: bool(seen.select("#answer")), within_s=120)

    # A person answers, and may click into the crash: then they look again and answer again.
    shop.kill(victim)
    keeper.try_submit(page, "#answer", action="save")
    page = keeper.open(upload)
    if page.select("#answer"):
        keeper.submit(page, "#answer", action="save")
    page = keeper.open("/library/")
    model = next(link for link in page.select("a[href*='/library/models/']"))
    page = keeper.open(str(model["href"]))
    variant = str(next(link for link in page.select("a[href*='/library/variants/']"))["href"])

    # Into the queue.
    page = keeper.open(variant)
    shop.kill(victim)
    keeper.try_submit(page, "form[action='/queue/jobs']", quantity="1")
    if not _facts_when_back(shop).jobs:
        keeper.submit(keeper.open(variant), "form[action='/queue/jobs']", quantity="1")

    # Started, and killed while the command or the file is on its way.
    page = keeper.wait_for("/queue", lambda seen: "Can start on Anna" in words(seen), within_s=120)
    keeper.try_submit(page, "form[action$='/start']")
    shop.kill(victim)
    time.sleep(0.5)
    if "queued" in _facts_when_back(shop).jobs:
        page = keeper.wait_for("/queue", lambda seen: "Can start on Anna" in words(seen), within_s=120)
        keeper.submit(page, "form[action$='/start']")

    # While the printer prints.
    shop.until(lambda facts: "running" in facts.runs, 120)
    shop.kill(victim)
    time.sleep(4)
    shop.kill(victim)

    # And right when it ends.
    shop.until(lambda facts: shop.farm.control.call("status", shop.printer.serial)["gcode_state"] == "FINISH", 120)
    shop.kill(victim)

    shop.until(lambda facts: facts.jobs == ["completed"], 120)
    facts = shop.facts()
    assert facts.runs.count("completed") == 1
    assert shop.started() == [1]
    assert facts.bookings == 1
    assert facts.remaining_mg == KILOGRAM_MG - 5_000
    assert facts.ends == 1
    assert "Finished" in words(one(keeper.open("/queue/history"), "#history"))


def _facts_when_back(shop: RunningShop):
    shop.keeper.open("/queue")
    return shop.facts()
