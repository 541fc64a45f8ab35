"""Background jobs of the fleet."""

from uuid import UUID

from jobs import background_job
from printfarm.core.work import unit_of_work
from printfarm.fleet.service import commands, reports, trials


@background_job
def expire_command(shop_id: str, command_id: str) -> None:
    """Give up a command that could not be sent in time."""
    with unit_of_work(UUID(shop_id)) as db:
        commands.expire_command(db, UUID(command_id))


@background_job
def forget_trial(shop_id: str, trial_id: str) -> None:
    """Wipe the access code of an old trial."""
    with unit_of_work(UUID(shop_id)) as db:
        trials.forget_trial(db, UUID(trial_id))


@background_job
def handle_run_report(shop_id: str, report_id: str) -> None:
    """Take in a run report that could not be taken in when it came."""
    with unit_of_work(UUID(shop_id)) as db:
        reports.handle_report(db, UUID(report_id))


@background_job
def handle_answer(shop_id: str, command_id: str) -> None:
    """Do what follows from an answer that could not be taken in when it came."""
    with unit_of_work(UUID(shop_id)) as db:
        commands.handle_answer(db, UUID(command_id))
