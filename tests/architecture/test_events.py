"""Every event reaches a screen or is listed, every background job that is asked for exists, and so does everything owed."""

import ast
import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import get_type_hints
from uuid import UUID

from jobs import sweeps
from printfarm.core.events import event_kinds
from printfarm.core.live import shown_events

ROOT = Path(__file__).parents[2]

# Nothing on any screen changes by them: they are answered in the same transaction, or wake a hub's or a program's socket.
UNSEEN = {"HubWanted", "RunReported", "SlotFed", "SpoolAssigned", "SpoolUsed"}


def sources() -> list[Path]:
    return [path for folder in ("printfarm", "jobs") for path in sorted((ROOT / folder).rglob("*.py"))]


def our_events() -> dict[str, type]:
    return {name: kind for name, kind in event_kinds().items() if kind.__module__.startswith("printfarm.")}


def test_every_event_is_shown_or_listed(app):
    shown = {kind.__name__ for kind in shown_events()}
    silent = set(our_events()) - shown
    assert silent == UNSEEN, "give it a renderer or a mark in the area's live.py, or list it here"


def test_events_hold_ids_and_nothing_else(app):
    events = our_events()
    assert len(events) > 5
    for name, kind in events.items():
        hints = get_type_hints(kind)
        for one in fields(kind):
            assert hints[one.name] in (UUID, UUID | None), f"{name}.{one.name}"


def test_every_event_that_is_defined_is_emitted_somewhere(app):
    text = "\n".join(path.read_text() for path in sources())
    never = [name for name in our_events() if not re.search(rf"\b{name}\(\s*shop_id", text)]
    assert never == []


def test_every_background_job_that_is_asked_for_exists():
    asked = {
        (found, path.name)
        for path in sources()
        for found in re.findall(r'"(jobs\.[a-z_]+(?:\.[a-z_]+)+)"', path.read_text())
    }
    assert asked
    for name, where in sorted(asked):
        module, _, function = name.rpartition(".")
        assert callable(getattr(import_module(module), function, None)), (
            f"{where} asks for {name}, which does not exist"
        )


def test_everything_owed_has_somebody_who_does_it():
    owed = {kind for path in sources() for kind in kinds_owed_by(path)}
    assert len(owed) > 3
    assert owed <= set(sweeps.DOES), "add it to jobs.sweeps.DOES"
    for name, _queue in sweeps.DOES.values():
        module, _, function = name.rpartition(".")
        assert callable(getattr(import_module(module), function, None)), name


def kinds_owed_by(path: Path) -> list[str]:
    """The second argument of every `owe(db, …)`, as the module itself would understand it."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "owe"
    ]
    if not calls:
        return []
    module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return [eval(ast.unparse(call.args[1]), vars(module)) for call in calls]
