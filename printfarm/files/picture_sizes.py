"""The sizes in which a picture is kept: made once, when its file is read, so that a phone loads what it shows and no more.

A slicer's own picture has 512 or 640 pixels, so nothing larger is kept. Lists show 64 px at most, cards about 250.
"""

from urllib.parse import urlsplit

# Kind of storage key → the longer side in pixels at most; the first is the picture itself, which every picture has.
SIDES_PX = {"picture": 640, "medium": 320, "thumb": 160}
# What `?size=` asks for → kinds to look for in turn: pictures from before there were three sizes have no medium one.
ASKED = {"small": ("thumb", "picture"), "medium": ("medium", "picture")}
WHOLE = ("picture",)
PLACE = "/files/pictures/"
SMALL_SHOWN_PX = 64


def picture_source(url: str, shown_px: int) -> str:
    """The address for a place of fixed size: the small one where that is sharp on a phone's screen too."""
    return f"{_plain(url)}?size=small" if _is_ours(url) and shown_px <= SMALL_SHOWN_PX else url


def picture_sources(url: str) -> str:
    """A `srcset` with the three widths of one of our pictures; nothing for another address."""
    if not _is_ours(url):
        return ""
    plain = _plain(url)
    sides = SIDES_PX
    return f"{plain}?size=small {sides['thumb']}w, {plain}?size=medium {sides['medium']}w, {plain} {sides['picture']}w"


def _is_ours(url: str) -> bool:
    return urlsplit(url).path.startswith(PLACE)


def _plain(url: str) -> str:
    return url.partition("?")[0]
