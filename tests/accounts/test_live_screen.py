"""The live socket of every page, over a real server, a real Valkey and a real client."""

import json
import os
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import UUID

import pytest
from redis import Redis
from sqlalchemy import delete, select
from websockets.exceptions import ConnectionClosed, InvalidStatus

from printfarm.accounts.models import Membership, SignInSession
from printfarm.application import build
from printfarm.config import load_settings
from printfarm.core import live
from printfarm.core.events import Event, emit, to_message
from printfarm.core.ids import new_id
from printfarm.core.live import render_events, shows
from printfarm.core.work import read_only, unit_of_work
from tests.support import valkey
from tests.support.browser import Browser
from tests.support.cast import PASSWORD, open_shop_with
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database
from tests.support.serving import serving

REFETCH = {"type": "refetch"}


@dataclass(frozen=True, kw_only=True)
class BellRang(Event):
    """Something to show in these tests."""

    bell_id: UUID


@shows(BellRang)
def bell(_db, event):
    # 200 kB that compression cannot make small on the way.
    return f'<p id="bell-{event.bell_id}" hx-swap-oob="true">{os.urandom(100_000).hex()} ding</p>'


def ring(app, shop_id):
    bell_id = new_id()
    with app.app_context(), unit_of_work(shop_id) as db:
        emit(db, BellRang(shop_id=shop_id, bell_id=bell_id))
    return str(bell_id)


@pytest.fixture
def server(app):
    with serving(app) as made:
        yield made


@pytest.fixture
def screen(app, server):
    """Opens sockets that listen already: the subscription greets the first one with a refetch."""
    with ExitStack() as stack:
        opened = []

        def open_screen(person, **options):
            ws = stack.enter_context(server.socket(person.browser, close_timeout=1, **options))
            opened.append(ws)
            if len(opened) == 1:
                assert json.loads(ws.recv(40)) == REFETCH
            return ws

        yield open_screen


def closing_code(ws, seconds=40):
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            ws.recv(seconds)
    return closed.value.rcvd.code


def test_every_open_page_of_the_shop_hears_what_changed(alice, bob, screen):
    first, second = screen(alice), screen(bob)
    alice.post("/members/invite", {"role": "viewer"})
    for ws in (first, second):
        assert json.loads(ws.recv(40)) == {"type": "changed", "topics": ["members"]}


def test_a_row_is_pushed_as_html(app, alice, screen):
    ws = screen(alice)
    bell_id = ring(app, alice.shop_id)
    assert ws.recv(40).startswith(f'<p id="bell-{bell_id}"')


def test_a_long_fragment_arrives_whole_over_tls(app, alice):
    """A TLS record holds 16 kB; these are 200 kB."""
    with serving(app, tls=True) as server, server.socket(alice.browser) as ws:
        assert json.loads(ws.recv(10)) == REFETCH
        for _ in range(3):
            bell_id = ring(app, alice.shop_id)
            text = ws.recv(10)
            assert text.startswith(f'<p id="bell-{bell_id}"')
            assert text.endswith("ding</p>")


def test_a_long_message_is_read_at_once_over_tls(app, alice):
    """Bytes that TLS has unpacked already do not wake select(): what is not read with them waits for the next message."""
    with serving(app, tls=True) as server, server.socket(alice.browser) as ws:
        ws.send(os.urandom(6_000).hex())  # does not shrink to a few bytes on the way
        started = time.monotonic()
        assert closing_code(ws) == 1003
        assert time.monotonic() - started < 20  # the next ping comes after 25


def test_another_shop_hears_nothing(app, alice, charlie, screen):
    hers, his = screen(alice), screen(charlie)
    of_alice = ring(app, alice.shop_id)
    assert of_alice in hers.recv(40)
    of_charlie = ring(app, charlie.shop_id)
    assert of_charlie in his.recv(40)


def test_a_message_on_another_shops_channel_is_not_believed(app, alice, charlie, screen, redis_url):
    his = screen(charlie)
    event = BellRang(shop_id=alice.shop_id, bell_id=new_id())
    with Redis.from_url(redis_url) as redis:
        redis.publish(f"shop:{charlie.shop_id}", json.dumps(to_message(event)))
        for nonsense in ("", "[]", "null", '{"kind": 5}', '{"kind": "BellRang"}', "\xff"):
            redis.publish(f"shop:{charlie.shop_id}", nonsense)
    assert ring(app, charlie.shop_id) in his.recv(40)


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", None, "null"])
def test_a_page_of_another_site_is_refused(alice, server, origin):
    with pytest.raises(InvalidStatus) as refused:
        server.socket(alice.browser, origin=origin)
    assert refused.value.response.status_code == 403


def test_a_stranger_is_told_to_sign_in(shop, server):
    with server.socket(None) as ws:
        assert closing_code(ws) == 4401


def revoke_elsewhere(app, alice):
    other = Browser(app).signed_in(alice.user_id, alice.shop_id)
    other.post("/sessions/end-others")


def change_password_elsewhere(app, alice):
    other = Browser(app).signed_in(alice.user_id, alice.shop_id)
    other.post("/profile/password", {"old": PASSWORD, "new": "a different one", "again": "a different one"})


def sign_out(_app, alice):
    alice.post("/sign-out")


def go_to_another_shop(_app, alice):
    alice.post("/shops", {"name": "Second", "currency": "EUR", "timezone": "UTC", "locale": "en"})


@pytest.mark.parametrize("deed", [revoke_elsewhere, change_password_elsewhere, sign_out, go_to_another_shop])
def test_a_session_that_lost_its_place_loses_its_socket_at_once(app, alice, bob, screen, deed):
    hers, his = screen(alice), screen(bob)
    deed(app, alice)
    assert closing_code(hers) == 4401
    assert ring(app, bob.shop_id) in his.recv(40), "somebody else's socket closed with it"


def test_a_removed_member_loses_the_socket(ctx, alice, bob, screen):
    his = screen(bob)
    with read_only(None) as db:
        bobs = db.scalar(select(Membership.id).where(Membership.user_id == bob.user_id))
    alice.post(f"/members/{bobs}/remove")
    assert closing_code(his) == 4401


def test_a_session_that_ended_without_a_word_is_noticed(app, alice, screen, monkeypatch):
    monkeypatch.setattr(live, "RECHECK_S", 0.5)
    ws = screen(alice)
    with app.app_context(), unit_of_work(None) as db:
        db.execute(delete(SignInSession))
    assert closing_code(ws) == 4401


def test_a_client_that_stops_reading_holds_nobody_up(app, alice, bob, screen, server):
    quick = screen(bob)
    slow = screen(alice, max_queue=1)
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    heard = set()
    rung = []
    for _ in range(12):  # 200 kB each: far more than the buffers between us and the slow one
        rung.append(ring(app, bob.shop_id))
        deadline = time.monotonic() + 5
        while not any(rung[-1] in text for text in heard) and time.monotonic() < deadline:
            heard.add(quick.recv(5)[:80])
        assert any(rung[-1] in text for text in heard), "the quick one waited for the slow one"


def test_beyond_the_limit_a_page_is_asked_to_come_back(app, alice, bob, screen, server):
    live.hall(app).limit = 1
    first = screen(alice)
    with server.socket(bob.browser) as second:
        assert closing_code(second) == 1013
    first.close()
    deadline = time.monotonic() + 40
    while live.hall(app)._count() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert live.hall(app).hold(), "the seat of a page that was left is not free again"
    live.hall(app).release()


def test_a_page_that_talks_is_closed(alice, screen):
    ws = screen(alice)
    ws.send("hello")
    assert closing_code(ws) == 1003


def test_a_stopping_server_says_goodbye(app, alice, screen):
    ws = screen(alice)
    started = time.monotonic()
    live.hall(app).shutdown()
    assert closing_code(ws) == 1012
    assert time.monotonic() - started < 15
    with serving(app) as again, again.socket(alice.browser) as late:
        assert closing_code(late) == 1013


def test_a_page_that_was_overtaken_before_its_socket_opened_looks_again(app, alice, server, screen):
    """A change between the answer and the socket is told to nobody: the page says when it was asked for."""
    there = screen(alice)
    asked_at_ms = int(alice.get("/members").one("body")["data-asked-at"])
    bell_id = ring(app, alice.shop_id)
    assert bell_id in there.recv(40)
    with server.socket(alice.browser, since=asked_at_ms) as late:
        assert json.loads(late.recv(10)) == REFETCH
    with server.socket(alice.browser, since=asked_at_ms + 600_000) as current:
        bell_id = ring(app, alice.shop_id)
        assert current.recv(10).startswith(f'<p id="bell-{bell_id}"'), "nothing had changed since its page"


@pytest.mark.parametrize("since", ["", "soon", "-1", "9" * 40])
def test_a_strange_time_in_the_address_does_no_harm(app, alice, server, screen, since):
    screen(alice)
    with server.socket(alice.browser, since=since) as ws:
        bell_id = ring(app, alice.shop_id)
        heard = ws.recv(10)
        if heard.startswith("{"):  # told to look again first
            assert json.loads(heard) == REFETCH
            heard = ws.recv(10)
        assert heard.startswith(f'<p id="bell-{bell_id}"')


def test_after_a_restart_of_redis_pages_are_told_to_look_again(settings_environ, short_tmp):
    folder = short_tmp / f"own-{new_id().hex[-8:]}"
    folder.mkdir()
    with ExitStack() as stack:
        with valkey.running(folder) as url:
            app = build(load_settings({**settings_environ, "PRINTFARM_REDIS_URL": url}))
            shop = open_shop_with(app, email="a@example.com", name="A", shop_name="A")
            server = stack.enter_context(serving(app))
            ws = stack.enter_context(server.socket(Browser(app).signed_in(shop.owner, shop.id)))
            assert json.loads(ws.recv(40)) == REFETCH
        ring(app, shop.id)  # nobody can be told of it
        with valkey.running(folder):
            assert json.loads(ws.recv(20)) == REFETCH
            assert ring(app, shop.id) in ws.recv(40)


def test_forms_in_a_pushed_fragment_carry_no_token(app, alice):
    @dataclass(frozen=True, kw_only=True)
    class FormNeeded(Event):
        pass

    @shows(FormNeeded)
    def form(_db, _event):
        return app.jinja_env.from_string('{% import "_ui/ui.html" as ui %}{{ ui.post_button("Go", "/x") }}').render()

    with app.app_context():
        html, _topics = render_events(app, alice.shop_id, [FormNeeded(shop_id=alice.shop_id)])
    assert 'name="csrf_token" value=""' in html


def test_an_empty_token_in_the_form_gives_way_to_the_header_of_the_page(alice):
    form = {"csrf_token": "", "role": "viewer"}
    page = alice.post("/members/invite", form, headers={"X-CSRFToken": alice.browser.csrf})
    assert page.status == 200
    assert alice.post("/members/invite", form).status == 400


def waiting_in(screen):
    return [screen.waiting.get_nowait() for _ in range(screen.waiting.qsize())]


def test_a_screen_that_does_not_keep_up_is_told_to_look_again():
    screen = live.Screen(shop_id=new_id(), session_key="one")
    for number in range(live.QUEUE_LENGTH + 1):
        screen.push(f"<p>{number}</p>")
    screen.push("<p>later</p>")
    assert waiting_in(screen) == [live.REFETCH, "<p>later</p>"]


@pytest.mark.parametrize("end", ["before", "after"])
def test_a_full_queue_never_swallows_the_end(end):
    screen = live.Screen(shop_id=new_id(), session_key="one")
    screen.push(None if end == "before" else "<p>0</p>")
    for number in range(live.QUEUE_LENGTH):
        screen.push(f"<p>{number}</p>")
    if end == "after":
        screen.push(None)
    assert None in waiting_in(screen)
