"""What the relations of a 3MF say: which part is its model, and which picture shows it."""

from collections.abc import Iterator

from printfarm.files.readers.archive import Archive, DamagedEntry
from printfarm.files.readers.package_xml import BrokenXml, parse_xml

_MODEL = "3d/3dmodel.model"
_RELATIONS = "_rels/.rels"
_MOST_BYTES = 1 << 20
_MOST_COVERS = 4


def entry_name(path: str) -> str:
    """The name in an archive for a path as files write it."""
    return path.replace("\\", "/").lstrip("/").lower()


def targets(archive: Archive, ending: str, relations: str = _RELATIONS) -> Iterator[str]:
    """The entries to which relations of this type point; none when the relations cannot be read."""
    try:
        root = parse_xml(archive.read(relations, _MOST_BYTES)) if relations in archive else ()
    except (DamagedEntry, BrokenXml):
        return
    for element in root:
        name = entry_name(element.get("Target") or "")
        if (element.get("Type") or "").lower().endswith(ending) and name in archive:
            yield name


def model_entry(archive: Archive) -> str | None:
    """The part that the 3MF begins with: by its relations, by the usual name, or the only one that there is."""
    found = next(targets(archive, "/3dmodel"), None)
    if found or _MODEL in archive:
        return found or _MODEL
    return next((name for name in archive.names if name.endswith(".model")), None)


def cover_entries(archive: Archive) -> list[str]:
    """The pictures that show the whole file."""
    return list(targets(archive, "/thumbnail"))[:_MOST_COVERS]
