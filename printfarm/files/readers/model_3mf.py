"""The geometry of a 3MF: its objects in all parts, how they are put together, and where they stand on the bed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from printfarm.files.readers.archive import Archive
from printfarm.files.readers.indexed import IndexedMesh
from printfarm.files.readers.limits import Deadline
from printfarm.files.readers.mesh_reading import check_cost, mesh_of
from printfarm.files.readers.model_xml import Matrix, ModelObject, ModelPart, Reference, read_model_part
from printfarm.files.readers.package_xml import BrokenXml
from printfarm.files.readers.relations import entry_name, model_entry
from printfarm.files.readers.results import Mesh, MeshItem
from printfarm.files.readers.triangles import Corners, NotFinite

if TYPE_CHECKING:
    from printfarm.files.readers.measure import Measure

_NOT_PRINTED = {"support", "solidsupport", "other"}
_MAX_NESTING = 32


@dataclass(frozen=True, slots=True)
class Placed:
    """One mesh where it stands: its points are turned and moved by each matrix in turn, then scaled to millimetres."""

    mesh: IndexedMesh
    matrices: tuple[Matrix, ...]
    unit_mm: float

    def chunks(self) -> Iterator[Corners]:
        import numpy as np

        turn, shift = np.eye(3), np.zeros(3)
        for matrix in self.matrices:
            values = np.array(matrix).reshape(4, 3)
            turn, shift = turn @ values[:3], shift @ values[:3] + values[3]
        for corners in self.mesh.chunks():
            yield (corners @ turn + shift) * self.unit_mm


@dataclass(slots=True)
class Geometry:
    """Everything that stands on the bed; `beams` counts the bars of lattices, which are no triangles."""

    mesh: Mesh | None = None
    placed: list[Placed] = field(default_factory=list)
    beams: int = 0

    def triangles(self) -> Iterator[Corners]:
        for one in self.placed:
            yield from one.chunks()


@dataclass(frozen=True, slots=True)
class Said:
    """What a slicer says elsewhere of the objects of the first part, by their numbers.

    `left_out` are the first and the last of triangles that only modify: they are no part of what is printed.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    left_out: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)


def read_geometry(archive: Archive, deadline: Deadline, said: Said | None = None) -> Geometry:
    """Read all parts that are used; raises BrokenXml, DamagedEntry or UnreadableFile."""
    entry = model_entry(archive)
    if entry is None:
        return Geometry()
    return _GeometryReader(archive, deadline, said or Said()).read(entry)


class _GeometryReader:
    def __init__(self, archive: Archive, deadline: Deadline, said: Said) -> None:
        self._said = said
        self._archive = archive
        self._deadline = deadline
        self._parts: dict[str, ModelPart] = {}
        self._closed: dict[int, bool] = {}
        self._triangles = 0
        self._visits = 0
        self._unit_mm = 1.0

    def read(self, entry: str) -> Geometry:
        root = self._part(entry)
        self._leave_out(root)
        self._unit_mm = root.unit_mm  # all parts of a file share the unit of the first
        geometry = Geometry()
        items: list[MeshItem] = []
        for reference in root.items or _unused_objects(root):
            placed = list(self._placed(reference, entry, (), 0)) if reference.printable else []
            if item := self._measured(placed, self._name(reference, entry)):
                items.append(item)
                geometry.placed += placed
        geometry.mesh = mesh_of(items, root.unit) if items else None
        geometry.beams = sum(part.beams for part in self._parts.values())
        return geometry

    def _leave_out(self, root: ModelPart) -> None:
        for number, ranges in self._said.left_out.items():
            if number in root.objects:
                corners = root.objects[number].mesh.corners
                for first, last in sorted(ranges, reverse=True):
                    del corners[3 * first : 3 * (last + 1)]

    def _part(self, name: str) -> ModelPart:
        if name not in self._parts:
            if name not in self._archive:
                raise BrokenXml(f"the part {name[:100]} is missing")
            chunks = self._archive.stream(name, self._deadline.limits.mesh_bytes)
            self._parts[name] = read_model_part(chunks, self._deadline)
        return self._parts[name]

    def _find(self, reference: Reference, part: str) -> tuple[ModelObject, str]:
        """Numbers of objects are unique in their part only."""
        name = entry_name(reference.path) if reference.path else part
        found = self._part(name).objects.get(reference.object_id)
        if found is None:
            raise BrokenXml(f"the object {reference.object_id} is missing")
        return found, name

    def _name(self, reference: Reference, part: str) -> str | None:
        return self._find(reference, part)[0].name or self._said.names.get(reference.object_id)

    def _placed(self, reference: Reference, part: str, outer: tuple[Matrix, ...], depth: int) -> Iterator[Placed]:
        """All meshes of an object and of those inside of it; the inner matrix counts first."""
        self._visits += 1
        if depth > _MAX_NESTING or self._visits > self._deadline.limits.mesh_items:
            raise BrokenXml("its objects are nested too deep, hold themselves, or are far too many")
        thing, name = self._find(reference, part)
        if thing.kind in _NOT_PRINTED:
            return
        matrices = (reference.matrix, *outer) if reference.matrix else outer
        if thing.mesh.triangles:
            self._count(thing.mesh.triangles)
            yield Placed(thing.mesh, matrices, self._unit_mm)
        for component in thing.components:
            yield from self._placed(component, name, matrices, depth + 1)

    def _count(self, triangles: int) -> None:
        self._triangles += triangles
        check_cost(self._triangles, self._deadline)

    def _measured(self, placed: list[Placed], name: str | None) -> MeshItem | None:
        if not placed:
            return None
        from printfarm.files.readers.measure import Measure

        closed = [self._is_closed(one.mesh) for one in placed]
        measure = Measure(with_edges=False)
        for one in placed:
            for corners in one.chunks():
                self._add(measure, corners)
        return measure.item(name, is_closed=all(closed))

    def _add(self, measure: "Measure", corners: Corners) -> None:
        try:
            measure.add(corners)
        except NotFinite as error:
            raise BrokenXml("it holds points that are nowhere") from error
        check_cost(0, self._deadline)

    def _is_closed(self, mesh: IndexedMesh) -> bool:
        """Each mesh is looked at once, as it is drawn: turning and moving rounds its points."""
        key = id(mesh)
        if key not in self._closed:
            if not mesh.is_sound:
                raise BrokenXml("its triangles do not fit its points")
            from printfarm.files.readers.measure import Measure

            measure = Measure()
            for corners in mesh.chunks():
                self._add(measure, corners)
            self._closed[key] = measure.is_closed
        return self._closed[key]


def _unused_objects(part: ModelPart) -> list[Reference]:
    """A file that forgot to place its objects: those that are in no other object."""
    used = {c.object_id for thing in part.objects.values() for c in thing.components if c.path is None}
    return [Reference(None, object_id, None) for object_id in part.objects if object_id not in used]
