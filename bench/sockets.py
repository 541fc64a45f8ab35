"""How far apart do a hundred open screens hear of a change?

    ./dev bench sockets [--screens 100] [--rounds 20]

A change of the queue is announced as a commit announces it, over Redis; every screen of the shop holds a socket of the real
web process. Web gathers changes for a moment before it renders them once for all, so every screen waits for that; what a
crowd costs is the time between the first screen that hears it and the last.
"""

import argparse
import asyncio
import random
import statistics
import time
from dataclasses import dataclass

from flask import Flask
from websockets.asyncio.client import ClientConnection, connect

from bench.running import printfarm
from bench.shop import Visitor, empty_shop
from printfarm.application import build
from printfarm.config import load_settings
from printfarm.core import bus
from printfarm.core.live import GATHER_S
from printfarm.queue.events import QueueReordered

PATIENCE_S, SETTLE_S = 20, 2


@dataclass(frozen=True)
class Heard:
    """Seconds from the announcement to the first screen, and from there to the last."""

    first_s: float
    spread_s: float


async def announce(app: Flask, visitor: Visitor, screens: list[ClientConnection]) -> Heard:
    listening = [asyncio.create_task(hear(screen)) for screen in screens]
    await asyncio.sleep(random.uniform(0, GATHER_S))  # people do not act in step with web
    started = time.perf_counter()
    with app.app_context():
        bus.publish_all([QueueReordered(shop_id=visitor.shop_id)])
    heard = await asyncio.gather(*listening)
    return Heard(min(heard) - started, max(heard) - min(heard))


async def hear(screen: ClientConnection) -> float:
    async with asyncio.timeout(PATIENCE_S):
        while '"queue"' not in str(await screen.recv()):
            pass
    return time.perf_counter()


async def measure(app: Flask, port: int, visitor: Visitor, count: int, rounds: int) -> list[Heard]:
    headers = {"Cookie": visitor.cookie}
    url, origin = f"ws://127.0.0.1:{port}/ws/live", f"http://127.0.0.1:{port}"
    opened = [await connect(url, additional_headers=headers, origin=origin, proxy=None) for _ in range(count)]
    try:
        await asyncio.sleep(SETTLE_S)  # web subscribes when its first screen comes
        return [await announce(app, visitor, opened) for _ in range(rounds)]
    finally:
        await asyncio.gather(*(screen.close() for screen in opened))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screens", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    with printfarm() as up:
        app = build(load_settings(up.environment))
        visitor = empty_shop(app)
        heard = asyncio.run(measure(app, up.port, visitor, asked.screens, asked.rounds))
    wait_s = statistics.median(one.first_s for one in heard)
    spreads_s = [one.spread_s for one in heard]
    usual_s = statistics.median(spreads_s)
    print(f"{usual_s / wait_s:.3f} of the wait is added for the last of {asked.screens} screens")
    print(f"first screen after {1000 * wait_s:.0f} ms (web gathers for up to {1000 * GATHER_S:.0f} ms)")
    print(f"last screen {1000 * usual_s:.1f} ms later, at most {1000 * max(spreads_s):.1f} ms")


if __name__ == "__main__":
    main()
