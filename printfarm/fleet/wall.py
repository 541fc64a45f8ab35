"""The fleet on a screen on the wall: every printer at once, and how they are laid out so that nothing scrolls."""

from dataclasses import dataclass

from printfarm.fleet.queries import PrinterCard

SHOWN = 96  # more than that nobody reads across a room
# A cell reads best about half as wide again as it is high; the screen less its head line, in any one unit.
CELL_RATIO = 1.5
WIDE, TALL = (1920.0, 1000.0), (1080.0, 1820.0)


@dataclass(frozen=True)
class Cell:
    """A printer as somebody reads it from the other end of the room. `percent` and `minutes_left` only while it works."""

    card: PrinterCard
    title: str
    picture_url: str | None
    percent: int | None
    minutes_left: int | None

    @property
    def is_away(self) -> bool:
        return not self.card.facts.online


@dataclass(frozen=True)
class Wall:
    """What the wall shows. `columns` for a wide screen, `columns_tall` for one that stands upright."""

    cells: list[Cell]
    more: int
    at_work: int
    to_clear: int
    away: int
    in_trouble: int

    @property
    def columns(self) -> int:
        return columns_for(len(self.cells), *WIDE)

    @property
    def columns_tall(self) -> int:
        return columns_for(len(self.cells), *TALL)


def wall_of(cards: list[PrinterCard]) -> Wall:
    """The wall of these printers, in the shop's order."""
    cells = [_cell(card) for card in cards]
    return Wall(
        cells=cells[:SHOWN],
        more=max(0, len(cells) - SHOWN),
        at_work=sum(card.shows_progress for card in cards),
        to_clear=sum(not card.printer.bed_cleared and not card.shows_progress for card in cards),
        away=sum(cell.is_away for cell in cells),
        in_trouble=sum(card.face.tone == "bad" for card in cards),
    )


def columns_for(count: int, width: float, height: float) -> int:
    """How many columns make the cells large and leave few places empty."""
    count = max(1, count)

    def size(columns: int) -> float:
        rows = -(-count // columns)
        return min(width / columns / CELL_RATIO, height / rows) * count / (columns * rows)

    return max(range(1, count + 1), key=size)


def _cell(card: PrinterCard) -> Cell:
    working = card.shows_progress
    title = card.on_printer.title if card.on_printer else card.foreign.title if card.foreign else ""
    percent = card.live["percent"] if working else None
    if percent is None and working and card.foreign is not None:
        percent = card.foreign.percent
    return Cell(
        card=card,
        title=title if working else "",
        picture_url=card.on_printer.picture_url if working and card.on_printer else None,
        percent=int(percent) if percent is not None else None,
        minutes_left=card.live["remaining_minutes"] if working else None,
    )
