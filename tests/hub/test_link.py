"""The hub's socket against a small web of our own: sign-in, replay, acknowledgement, coming back."""

import json
import secrets
import threading
import time
from datetime import UTC, datetime

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from hub import protocol as p
from hub.ledger import Ledger
from hub.link import Link, LinkTimings
from tests.hub.simulators.clients import wait_until

SECRET, HUB = "a shared secret", "hub-1"
QUICK = LinkTimings(open=3, sign_in=3, ping=1, backoff_first=0.05, backoff_most=0.2, poll=0.05)
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class SmallWeb:
    """Signs hubs in, keeps what it is told and acknowledges it when `receives` is on."""

    def __init__(self, port=0):
        self.secret, self.protocol = SECRET, p.PROTOCOL_VERSION
        self.stored, self.volatile, self.refuse, self.receives = {}, [], "", True
        self.sockets = []
        self.sign_ins = 0
        self._server = serve(self._serve, "127.0.0.1", port)
        self.port = self._server.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _serve(self, socket):
        if socket.request.path != f"/ws/hub/{HUB}":
            return
        try:
            self._talk(socket)
        except ConnectionClosed:
            pass
        finally:
            if socket in self.sockets:
                self.sockets.remove(socket)

    def _talk(self, socket):
        nonce = secrets.token_hex(16)
        socket.send(p.dump(p.Challenge(nonce=nonce)))
        hello = p.parse_from_hub(socket.recv())
        if self.refuse or not p.verify_hub(SECRET, hello, nonce):
            socket.send(p.dump(p.Refused(reason=self.refuse or "unknown hub")))
            return
        signature = p.sign_web(self.secret, HUB, nonce, hello.hub_nonce)
        last_seq = max(self.stored, default=0)
        welcome = p.Welcome(signature=signature, protocol=self.protocol, server_time=NOW, last_seq=last_seq)
        socket.send(p.dump(welcome))
        self.sign_ins += 1
        self.sockets.append(socket)
        for text in socket:
            message = p.parse_from_hub(text)
            if isinstance(message, p.Durable):
                assert message.seq not in self.stored, "a message that was stored came again on one connection"
                self.stored[message.seq] = message
                if self.receives:
                    socket.send(p.dump(p.Received(seq=message.seq)))
            else:
                self.volatile.append(message)

    def say(self, message):
        self.sockets[-1].send(message if isinstance(message, str) else p.dump(message))

    def drop(self):
        for socket in list(self.sockets):
            socket.socket.shutdown(2)

    def close(self):
        self._server.shutdown()
        self.drop()
        self._thread.join()


@pytest.fixture
def web():
    web = SmallWeb()
    yield web
    web.close()


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite3", SECRET)
    yield ledger
    ledger.close()


@pytest.fixture
def link_to(ledger):
    links = []

    def make(url, secret=SECRET):
        commands, signed_in = [], []
        link = Link(url, HUB, secret, ledger, commands.append, lambda: signed_in.append(1), QUICK)
        link.commands, link.signed_in = commands, signed_in
        ledger.on_news = link.wake
        link.open()
        links.append(link)
        return link

    yield make
    for link in links:
        link.close()


def say(ledger, number=1):
    for each in range(number):
        ledger.say(p.RunReport, printer_id="p", run_code=f"PF-{each:04}", state="running", at=NOW)


def status(state="idle", printer="p"):
    return p.PrinterStatus(printer_id=printer, connection="online", state=state, at=NOW)


def test_messages_from_before_and_after_the_sign_in_arrive_in_order_and_are_forgotten(web, ledger, link_to):
    say(ledger, 120)
    link = link_to(web.url)
    wait_until(lambda: link.signed_in, "the sign-in")
    say(ledger, 5)
    wait_until(lambda: len(web.stored) == 125, "every message")
    assert list(web.stored) == sorted(web.stored)
    wait_until(lambda: ledger.waiting(0) == [], "the receipts")


def test_what_web_did_not_store_comes_again_after_a_loss_and_nothing_twice(web, ledger, link_to):
    web.receives = False
    link = link_to(web.url)
    wait_until(lambda: link.signed_in, "the sign-in")
    say(ledger, 10)
    wait_until(lambda: len(web.stored) == 10, "the messages")
    first = dict(list(web.stored.items())[:6])
    web.stored = first  # web was restored from a backup, or crashed before its commit
    web.receives = True
    web.drop()
    wait_until(lambda: len(web.stored) == 10, "the rest")
    assert web.sign_ins == 2
    wait_until(lambda: ledger.waiting(0) == [], "the receipts")


def test_of_volatile_messages_only_the_latest_survives_an_absence(web, ledger, link_to):
    url, port = web.url, web.port
    web.close()
    link = link_to(url)
    for number in range(50):
        link.show(status("printing" if number < 49 else "finished"))
        link.show(p.FileProgress(run_code="PF-0001", printer_id="p", bytes_sent=number, bytes_total=50))
    again = SmallWeb(port)
    try:
        wait_until(lambda: len(again.volatile) == 2, "the latest two")
        assert again.volatile[0].state == "finished"
        assert again.volatile[1].bytes_sent == 49
    finally:
        again.close()


def test_commands_reach_the_hub_and_broken_ones_are_dropped_without_losing_the_socket(web, link_to):
    link = link_to(web.url)
    wait_until(lambda: web.sockets, "the sign-in")
    web.say('{"type": "from_the_future", "x": 1}')
    web.say('{"type": "printer_command"}')
    web.say("no json")
    web.say(p.PrinterCommand(command_id="c", printer_id="p", action="pause"))
    wait_until(lambda: link.commands, "the command")
    assert [command.command_id for command in link.commands] == ["c"]
    web.say(p.Ping())
    wait_until(lambda: any(isinstance(m, p.Pong) for m in web.volatile), "the pong")
    assert web.sign_ins == 1


def test_a_web_that_does_not_know_the_secret_gets_nothing(web, ledger, link_to):
    web.secret = "guessed"
    say(ledger)
    link = link_to(web.url)
    wait_until(lambda: web.sign_ins, "a try")
    assert wait_until(lambda: not web.sockets, "the hub to leave") is True
    assert web.stored == {}
    assert link.signed_in == []
    assert len(ledger.waiting(0)) == 1


def test_a_hub_with_the_wrong_secret_is_refused_and_keeps_its_messages(web, ledger, link_to, caplog):
    say(ledger)
    link = link_to(web.url, secret="wrong")
    wait_until(lambda: "unknown hub" in caplog.text, "the reason in the log")
    assert not link.is_signed_in
    assert len(ledger.waiting(0)) == 1


def test_a_web_of_a_far_version_is_left_with_a_sentence(web, link_to, caplog):
    web.protocol = p.PROTOCOL_VERSION + 2
    link_to(web.url)
    wait_until(lambda: "update the older" in caplog.text, "the reason in the log")


def test_the_hub_comes_back_by_itself_when_web_does(web, ledger, link_to):
    link = link_to(web.url)
    wait_until(lambda: web.sockets, "the sign-in")
    url, port = web.url, web.port
    web.close()
    wait_until(lambda: not link.is_signed_in, "the loss")
    say(ledger, 3)
    again = SmallWeb(port)
    try:
        assert again.url == url
        wait_until(lambda: len(again.stored) == 3, "what was said meanwhile")
    finally:
        again.close()


def test_stopping_is_quick_while_connected_and_while_waiting(web, ledger, link_to):
    link = link_to(web.url)
    wait_until(lambda: web.sockets, "the sign-in")
    link.close()
    assert not link._thread.is_alive()


def test_a_message_on_the_wire_is_within_the_limit(web, ledger, link_to):
    link = link_to(web.url)
    wait_until(lambda: web.sockets, "the sign-in")
    slots = [p.SlotStatus(ams_unit=n // 4, slot=n % 4, material="PLA" * 10, colour_hex="FFFFFF") for n in range(64)]
    errors = [p.ActiveError(code=f"HMS_{n}", sentence="x" * 500, severity="info") for n in range(20)]
    link.show(status().model_copy(update={"slots": slots, "errors": errors}))
    wait_until(lambda: web.volatile, "the status")
    assert len(json.dumps(json.loads(p.dump(web.volatile[0])))) < p.MAX_MESSAGE_BYTES


def test_every_loss_is_followed_by_a_quick_return(web, ledger):
    patient = LinkTimings(open=3, sign_in=3, ping=5, backoff_first=0.05, backoff_most=60, poll=0.05)
    link = Link(web.url, HUB, SECRET, ledger, lambda _command: None, lambda: None, patient)
    link.open()
    try:
        began = time.monotonic()
        for number in range(1, 11):
            wait_until(lambda number=number: web.sign_ins == number and web.sockets, f"sign-in {number}")
            web.drop()
        assert time.monotonic() - began < 30, "the pauses grew although each sign-in had succeeded"
    finally:
        link.close()


def test_a_second_hub_of_the_same_name_is_told_in_the_log(web, ledger, link_to, caplog):
    link_to(web.url)
    wait_until(lambda: web.sockets, "the sign-in")
    web.sockets[-1].close(4409, "another connection of this hub has taken over")
    wait_until(lambda: "second hub" in caplog.text, "the reason in the log")


def test_web_is_not_flooded_with_what_it_has_not_stored(web, ledger, link_to):
    web.receives = False
    say(ledger, 350)
    numbers = [seq for seq, _ in ledger.waiting(0, 1000)]
    link_to(web.url)
    wait_until(lambda: len(web.stored) == 200, "as many as may be on their way")
    time.sleep(0.5)
    assert sorted(web.stored) == numbers[:200]
    web.receives = True
    web.say(p.Received(seq=numbers[199]))
    wait_until(lambda: sorted(web.stored) == numbers, "the rest")
    wait_until(lambda: not ledger.waiting(0), "the confirmations")
