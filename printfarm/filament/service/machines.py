"""What machines report of a spool while they print: every few seconds a few milligrams, and nobody asks a person.

Such pieces are gathered and booked as one line of the ledger after some grams or minutes, and before anything else changes the
spool's weight. What the spool does not hold waits for a person, as it does with a print of our own.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import Unavailable
from printfarm.core.events import emit
from printfarm.core.owed import owe, settle
from printfarm.filament.events import SpoolUsed
from printfarm.filament.from_above import is_booked_by_a_print, may_be_of_a_print
from printfarm.filament.models import Spool
from printfarm.filament.models_spoolman import MachineUse
from printfarm.filament.service.filaments import lock_filament
from printfarm.filament.service.stock import (
    BEFORE_A_CHANGE,
    HEAVIEST_MG,
    in_grams,
    lock_spool_only,
    refuse_impossible,
    write_entry,
    write_unassigned,
)

UG_PER_MG = 1000
BOOK_AT_UG = 5_000_000
BOOK_AFTER = timedelta(minutes=10)
# The same report of the same program within this time is a repeat: it gave up waiting for our answer and asked again.
REPEATED_WITHIN = timedelta(seconds=2)
# What a machine has measured has many digits: the same number to the last of them is hardly ever measured again so soon. It is
# the report whose answer was lost, or else it is seen that it was not booked.
SAME_NUMBER_WITHIN = timedelta(seconds=30)
MANY_DIGITS = 6
# Moonraker waits ten seconds for an answer, then adds the amount to its next report, which cannot be told from a new one.
# So what had to wait for long is refused rather than booked: whoever sent it sends it again in any case.
GIVEN_UP_AFTER = timedelta(seconds=5)
BOOK = "book-machine-use"


def report_use(db: Session, spool_id: UUID, ug: int, *, said: str, teller: str, arrived_at: datetime) -> Spool:
    """A machine used so many micrograms of a spool; less than nothing gives back what was reported too much.

    `said` is the report as it came, with who sent it: the same again at once counts once.
    """
    spool = lock_spool_only(db, spool_id)
    refuse_impossible(abs(ug) // UG_PER_MG)
    if utc_now() - arrived_at > GIVEN_UP_AFTER:
        raise Unavailable("The database was busy for too long; nothing is booked. Report it again.")
    use = _use_of(db, spool)
    if use.last_said == said and use.last_at >= arrived_at - REPEATED_WITHIN:
        return spool
    if is_booked_by_a_print(db, spool_id, teller):
        return spool  # answered as if: a refusal would be reported again, after that print's end
    now = utc_now()
    because = may_be_of_a_print(db, spool_id) or _said_again(use, said, arrived_at)
    if because:
        return _hold(db, spool, use, ug, because, teller)
    if not use.pending_ug // UG_PER_MG:
        use.since_at = now
        owe(db, BOOK, spool.id, within_s=BOOK_AFTER.total_seconds())
    use.pending_ug += ug
    use.last_said, use.last_at, use.teller = said, now, teller
    if not 0 <= use.pending_ug < BOOK_AT_UG or now - use.since_at >= BOOK_AFTER:
        _book(db, spool, use)
    emit(db, SpoolUsed(shop_id=spool.shop_id, spool_id=spool.id))
    return spool


def book_reported(db: Session, spool_id: UUID) -> None:
    """Book what machines reported of a spool and the ledger does not know yet; the sweep asks when it is time."""
    book_before_a_change(db, lock_spool_only(db, spool_id))
    settle(db, BOOK, spool_id)


def book_before_a_change(db: Session, spool: Spool) -> None:
    """What was used until now comes before what a person says of the spool now. The caller holds its lock."""
    use = db.scalar(select(MachineUse).where(MachineUse.spool_id == spool.id))
    if use is not None and use.pending_ug // UG_PER_MG:
        _book(db, spool, use)
    if use is not None and use.held_ug // UG_PER_MG:
        _tell(db, spool, use)


BEFORE_A_CHANGE.append(book_before_a_change)


def reported_mg(db: Session, spools: list[Spool]) -> dict[UUID, int]:
    """What is reported of these spools and not booked yet."""
    mine = select(MachineUse.spool_id, MachineUse.pending_ug).where(MachineUse.spool_id.in_([one.id for one in spools]))
    return {spool_id: ug // UG_PER_MG for spool_id, ug in db.execute(mine)}


def _use_of(db: Session, spool: Spool) -> MachineUse:
    use = db.scalar(select(MachineUse).where(MachineUse.spool_id == spool.id))
    if use is None:
        use = MachineUse(spool_id=spool.id, pending_ug=0, last_said="", teller="")
        use.since_at = use.last_at = utc_now()
        db.add(use)
    return use


def _said_again(use: MachineUse, said: str, arrived_at: datetime) -> str:
    digits = sum(one.isdigit() for one in said.rpartition(": ")[2])
    again = use.last_said == said and use.last_at >= arrived_at - SAME_NUMBER_WITHIN and digits >= MANY_DIGITS
    return "The very number was reported a moment before, so it is taken for the same report." if again else ""


def _hold(db: Session, spool: Spool, use: MachineUse, ug: int, because: str, teller: str) -> Spool:
    """Answered as if, and not booked: it might be booked twice. A line of the ledger will say so."""
    if not use.held_ug // UG_PER_MG:
        owe(db, BOOK, spool.id, within_s=BOOK_AFTER.total_seconds())
    if use.held_ug // UG_PER_MG and use.held_because != because:
        _tell(db, spool, use)
    use.held_ug += ug
    use.held_because, use.teller = because, teller
    emit(db, SpoolUsed(shop_id=spool.shop_id, spool_id=spool.id))
    return spool


def _tell(db: Session, spool: Spool, use: MachineUse) -> None:
    """A discrepancy of nothing: so much was reported, and this is why it was not booked."""
    mg, use.held_ug = divmod(use.held_ug, UG_PER_MG)
    if not use.pending_ug // UG_PER_MG:
        settle(db, BOOK, spool.id)
    reason = f"{use.teller} reports {in_grams(mg)}, not booked. {use.held_because}"
    write_entry(db, spool, 0, cause="print", reason=reason, is_discrepancy=True)


def _book(db: Session, spool: Spool, use: MachineUse) -> None:
    """One line of the whole milligrams; what is left of one stays for the next time."""
    mg, use.pending_ug = divmod(use.pending_ug, UG_PER_MG)
    used_at, use.since_at = use.last_at, utc_now()
    settle(db, BOOK, spool.id)
    reason = f"Reported by {use.teller}"
    if mg < 0:
        back = min(-mg, max(0, spool.initial_mg - spool.remaining_mg), HEAVIEST_MG)
        if back:
            write_entry(db, spool, back, cause="correction", reason=reason)
        return
    from_spool = min(mg, max(0, spool.remaining_mg))
    if from_spool:
        write_entry(db, spool, -from_spool, cause="print", reason=reason, used_at=used_at)
    if mg > from_spool:
        filament = lock_filament(db, spool.filament_id)
        write_unassigned(db, filament, from_spool - mg, cause="print", reason=f"{reason}: {spool.code} had no more")
