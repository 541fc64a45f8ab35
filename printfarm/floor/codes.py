"""What a scanner reads: our own addresses and bare codes. Only the code is taken; an address is never followed."""

from urllib.parse import unquote, urlsplit

from printfarm.core.ids import typed_code

LONGEST = 500


def code_in(text: str) -> str | None:
    """The label's code in a scanned or typed text, or None: an address of any host that ends in /c/<code>, or the code alone.

    Any host, since labels outlive addresses: a shop that moved its server keeps its labels.
    """
    text = text.strip()[:LONGEST]
    if "/" not in text:
        return typed_code(text)
    try:
        path = urlsplit(text).path
    except ValueError:
        return None
    *_, before, last = ["", *path.rstrip("/").split("/")]
    return typed_code(unquote(last)) if before.lower() == "c" else None
