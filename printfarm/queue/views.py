"""The queue's pages and actions."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.errors import DomainError
from printfarm.core.web import Deferred, ViewAnswer, done, is_fragment, page, refused, render_block
from printfarm.fleet.service import assign_spool
from printfarm.fleet.service.slots import find_slot
from printfarm.queue import outcomes, queries, service
from printfarm.queue.forms import AddForm, FeedForm, MoveForm, RollForm, SettleForm, StartForm, WeighForm
from printfarm.queue.models import PrintRun
from printfarm.queue.service.jobs import MOST_AT_ONCE
from printfarm.queue.ways import rolls_for_print, warn_of, ways_out

bp = Blueprint("queue", __name__, url_prefix="/queue")


@bp.get("")
@shop_view(role="viewer")
def show(db: Session) -> ViewAnswer:
    return page("queue/show.html", "job_list", queue=queries.get_queue(db, _page()))


@bp.get("/history")
@shop_view(role="viewer")
def history(db: Session) -> ViewAnswer:
    return page("queue/history.html", "job_list", jobs=queries.get_history(db, _page()))


@bp.get("/jobs/<uuid:job_id>")
@shop_view(role="viewer")
def job(db: Session, job_id: UUID) -> ViewAnswer:
    return _job_page(db, job_id)


@bp.post("/jobs")
@shop_view(role="operator")
def add_jobs(db: Session) -> ViewAnswer:
    form = AddForm()
    if not form.validate_on_submit():
        return refused(lambda db: _add_again(db, form))
    added = service.add_jobs(
        db, UUID(form.plate_id.data), quantity=form.quantity.data, note=form.note.data or "", user_id=_me()
    )
    what = "Added to the queue." if len(added) == 1 else f"{len(added)} jobs added to the queue."
    warning = warn_of(db, queries.get_plate(db, UUID(form.plate_id.data)))
    return done(url_for("queue.show"), message=f"{what} Careful: on {warning}" if warning else what)


@bp.post("/jobs/<uuid:job_id>/move")
@shop_view(role="operator")
def move_job(db: Session, job_id: UUID) -> ViewAnswer:
    form = _valid(MoveForm())
    service.move_job(db, job_id, after=UUID(form.after.data) if form.after.data else None)
    return _queue_again(None if form.after.data else "It is first in the queue now.")


@bp.post("/jobs/<uuid:job_id>/start")
@shop_view(role="operator")
def start_job(db: Session, job_id: UUID) -> ViewAnswer:
    form = _valid(StartForm())
    run = service.start_job(
        db,
        job_id,
        UUID(form.printer_id.data),
        user_id=_me(),
        accept_short=form.accept_short.data,
        then_spool_id=UUID(form.then_spool_id.data) if form.then_spool_id.data else None,
    )
    return _after(run.job_id, f"Sent to {run.printer.name}.")


@bp.post("/jobs/<uuid:job_id>/roll")
@shop_view(role="operator")
def put_roll(db: Session, job_id: UUID) -> ViewAnswer:
    """A roll with enough on it goes into the place that this job would print from."""
    form = _valid(RollForm())
    service.find_job(db, job_id)
    slot_id = UUID(form.slot_id.data)
    service.refuse_while_fed(db, find_slot(db, slot_id))
    assigned = assign_spool(db, slot_id, UUID(form.spool_id.data))
    spool = assigned.slot.spool
    assert spool is not None
    return _after(job_id, f"Spool {spool.code} is in {assigned.slot.label}.")


@bp.post("/runs/<uuid:run_id>/feed")
@shop_view(role="operator")
def feed_run(db: Session, run_id: UUID) -> ViewAnswer:
    """Another roll was put in while it prints."""
    form = _valid(FeedForm())
    run = service.feed_from(db, run_id, form.slot.data, UUID(form.spool_id.data), layer=form.layer.data)
    return _after(run.job_id, "Noted. What each roll gave is booked when the print ends.")


@bp.post("/jobs/<uuid:job_id>/cancel")
@shop_view(role="operator")
def cancel_job(db: Session, job_id: UUID) -> ViewAnswer:
    service.cancel_job(db, job_id, user_id=_me())
    return _after(job_id, "Taken out of the queue. It can be tried again from the history.")


@bp.post("/jobs/<uuid:job_id>/retry")
@shop_view(role="operator")
def retry_job(db: Session, job_id: UUID) -> ViewAnswer:
    service.retry_job(db, job_id, user_id=_me())
    return _after(job_id)


@bp.post("/jobs/<uuid:job_id>/repeat")
@shop_view(role="operator")
def repeat_job(db: Session, job_id: UUID) -> ViewAnswer:
    again = service.repeat_job(db, job_id, user_id=_me())
    return done(url_for("queue.job", job_id=again.id), message="Added to the queue once more.")


@bp.post("/runs/<uuid:run_id>/pause")
@shop_view(role="operator")
def pause_run(db: Session, run_id: UUID) -> ViewAnswer:
    return _after(service.pause_run(db, run_id, user_id=_me()).job_id)


@bp.post("/runs/<uuid:run_id>/resume")
@shop_view(role="operator")
def resume_run(db: Session, run_id: UUID) -> ViewAnswer:
    return _after(service.resume_run(db, run_id, user_id=_me()).job_id)


@bp.post("/runs/<uuid:run_id>/stop")
@shop_view(role="operator")
def stop_run(db: Session, run_id: UUID) -> ViewAnswer:
    run = service.stop_run(db, run_id, user_id=_me())
    return _after(run.job_id, "The print is being stopped. It can be tried again from the history.")


@bp.post("/runs/<uuid:run_id>/settle")
@shop_view(role="operator")
def settle_run(db: Session, run_id: UUID) -> ViewAnswer:
    form = SettleForm()
    return _end_run(
        db,
        run_id,
        form,
        lambda: service.settle_run(db, run_id, form.outcome.data, used_mg=form.weighed_mg(), user_id=_me()),
    )


@bp.post("/runs/<uuid:run_id>/weigh")
@shop_view(role="operator")
def weigh_run(db: Session, run_id: UUID) -> ViewAnswer:
    form = WeighForm()
    return _end_run(db, run_id, form, lambda: service.weigh_run(db, run_id, form.weighed_mg(), user_id=_me()))


def _end_run(db: Session, run_id: UUID, form: WeighForm, act: Callable[[], PrintRun]) -> ViewAnswer:
    """What a person says about a run. A refusal shows the job's page again with what they typed."""
    job_id = queries.job_of_run(db, run_id)
    if not form.validate_on_submit():
        return refused(lambda db: _job_page(db, job_id, run_id, form))
    try:
        return _after(act().job_id)
    except DomainError as problem:
        if is_fragment():  # the form still stands there; a toast says why
            raise
        form.form_errors.append(problem.sentence)
        return Deferred(lambda db: _job_page(db, job_id, run_id, form), status=problem.status, keep=False)


def _after(job_id: UUID, message: str | None = None) -> ViewAnswer:
    """Back to where the person was: the queue, or the job's own page, which shows by itself what has happened."""
    if request.form.get("from") == "queue":
        return _queue_again(message)
    return done(
        url_for("queue.job", job_id=job_id), lambda db: render_block("queue/job.html", "job_page", **_job(db, job_id))
    )


def _queue_again(message: str | None = None) -> ViewAnswer:
    """The queue, where a job that was acted on may have moved out of sight: the message says where to."""
    number = _page()
    return done(
        url_for("queue.show", page=number if number > 1 else None),
        lambda db: render_block("queue/show.html", "job_list", queue=queries.get_queue(db, number)),
        message,
    )


def _job_page(db: Session, job_id: UUID, run_id: UUID | None = None, form: WeighForm | None = None) -> Response:
    return page("queue/job.html", "job_page", **_job(db, job_id), asked_run=run_id, form=form)


def _job(db: Session, job_id: UUID) -> dict[str, Any]:
    found = queries.get_job(db, job_id, _page())
    made = outcomes.made_of_plates(db, [found.card.plate.id])
    return {
        "job_page": found,
        "made": made.get(found.card.plate.id, 0),
        "ways": ways_out(db, found.card.job),
        "rolls": rolls_for_print(db, found.card.running_out),
        "can_shop": "shopping.wish" in current_app.view_functions,
    }


def _add_again(db: Session, form: AddForm) -> ResponseReturnValue:
    """The little form beside a plate, on a page of its own where there is room to say what is wrong."""
    if form.plate_id.errors:
        raise BadForm("Choose a plate in the library, then add it to the queue from there.")
    return page("queue/add.html", plate=queries.get_plate(db, UUID(form.plate_id.data)), form=form, most=MOST_AT_ONCE)


def _valid(form: Any) -> Any:
    """These forms are buttons and choices: nothing typed can be lost, and what is wrong is one sentence."""
    if not form.validate_on_submit():
        raise BadForm(" ".join(message for messages in form.errors.values() for message in _flat(messages)))
    return form


class BadForm(DomainError):
    """What was sent does not have the shape of the form."""

    status = 422


def _flat(messages: Any) -> list[str]:
    if isinstance(messages, str):
        return [messages]
    inner = messages.values() if isinstance(messages, dict) else messages
    return [text for message in inner for text in _flat(message)]


def _page() -> int:
    return request.values.get("page", 1, type=int)


def _me() -> UUID:
    me: UUID = current_user.user.id
    return me
