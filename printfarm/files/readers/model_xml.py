"""Reads the objects of one 3MF model part with expat: nothing is kept but numbers, and no tree is built.

A document type or an entity is refused, and so is a token without end, on which a parser could chew for minutes.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from printfarm.files.readers.indexed import IndexedMesh
from printfarm.files.readers.limits import MIB, Deadline
from printfarm.files.readers.mesh_reading import check_cost
from printfarm.files.readers.package_xml import BrokenXml
from printfarm.files.readers.values import clean_text, number, truth, whole

Matrix = tuple[float, ...]  # 12 numbers: three rows of the 3 x 3 part, then the shift

_UNITS_MM = {"micron": 0.001, "millimeter": 1.0, "centimeter": 10.0, "inch": 25.4, "foot": 304.8, "meter": 1000.0}
_MAX_DEPTH = 40
_MAX_TOKEN_BYTES = 4 * MIB
_MAX_OBJECTS = 100_000
_MAX_ID = 2**31


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that is used somewhere: by a build item or inside of another object. `path` None is the same part."""

    path: str | None
    object_id: int
    matrix: Matrix | None
    printable: bool = True


@dataclass(slots=True)
class ModelObject:
    kind: str
    name: str | None
    mesh: IndexedMesh = field(default_factory=lambda: IndexedMesh(array("d"), array("i")))
    components: list[Reference] = field(default_factory=list)


@dataclass(slots=True)
class ModelPart:
    unit: str = "millimeter"
    objects: dict[int, ModelObject] = field(default_factory=dict)
    items: list[Reference] = field(default_factory=list)
    beams: int = 0

    @property
    def unit_mm(self) -> float:
        return _UNITS_MM[self.unit]


def read_model_part(chunks: Iterable[bytes], deadline: Deadline) -> ModelPart:
    """Read one part; raises BrokenXml with the reason, and UnreadableFile when it is too large or takes too long."""
    reader = _ModelReader(deadline)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    fed_bytes = 0
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
            fed_bytes += len(chunk)
            if fed_bytes - parser.CurrentByteIndex > _MAX_TOKEN_BYTES:
                raise BrokenXml("it holds an element without end")
            reader.check()
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, OverflowError, KeyError, LookupError) as error:
        raise BrokenXml(str(error) or "its numbers make no sense") from error
    if not reader.is_model:
        raise BrokenXml("no model")
    return reader.part


def matrix_of(text: str | None) -> Matrix | None:
    """Twelve numbers, or None when nothing is stated; raises ValueError."""
    if text is None:
        return None
    found = [number(part, low=-1e9, high=1e9) for part in text.split()[:13]]
    values = tuple(value for value in found if value is not None)
    if len(values) != 12 or len(found) != 12:
        raise ValueError("a place on the bed is not given by twelve numbers")
    return values


def _refuse_doctype(*_: object) -> None:
    raise BrokenXml("it declares entities or a document type, which no slicer writes")


class _ModelReader:
    """Takes the elements one by one. The frequent ones come first: most of a model is points and triangles."""

    def __init__(self, deadline: Deadline) -> None:
        self.part = ModelPart()
        self.is_model = False
        self._deadline = deadline
        self._depth = 0
        self._triangles = 0
        self._object: ModelObject | None = None
        self._points: array[float] = array("d")
        self._corners: array[int] = array("i")
        self._others: Mapping[str, Callable[[dict[str, str]], None]] = {
            "model": self._model,
            "object": self._open_object,
            "component": self._component,
            "item": self._item,
            "beam": self._beam,
        }

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if name == "vertex":
            self._points.extend((float(attributes["x"]), float(attributes["y"]), float(attributes["z"])))
        elif name == "triangle":
            self._corners.extend((int(attributes["v1"]), int(attributes["v2"]), int(attributes["v3"])))
        else:
            self._other(name, attributes)

    def end(self, name: str) -> None:
        self._depth -= 1
        if name == "object" or name.endswith(":object"):
            self._object = None
            self._points, self._corners = array("d"), array("i")

    def check(self) -> None:
        """Between two pieces of the file: is it still worth going on?"""
        check_cost(len(self._corners) // 3 + self._triangles, self._deadline)

    def _other(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth > _MAX_DEPTH:
            raise BrokenXml("its elements are nested too deep")
        prefix, _, local = name.rpartition(":")
        if prefix and local in {"vertex", "triangle"}:
            self._depth -= 1
            self.start(local, attributes)
            return
        act = self._others.get(local)
        if act is not None:
            act(attributes)

    def _model(self, attributes: dict[str, str]) -> None:
        self.is_model = True
        unit = attributes.get("unit", "millimeter").strip().lower()
        if unit not in _UNITS_MM:
            raise BrokenXml(f"the unit {unit[:40]} is unknown")
        self.part.unit = unit

    def _open_object(self, attributes: dict[str, str]) -> None:
        number_ = whole(attributes.get("id"), low=0, high=_MAX_ID)
        if number_ is None or len(self.part.objects) >= _MAX_OBJECTS:
            raise BrokenXml("its objects are not numbered, or far too many")
        self._triangles += len(self._corners) // 3
        self._object = ModelObject(attributes.get("type", "model"), clean_text(attributes.get("name"), 200))
        self._points, self._corners = self._object.mesh.points, self._object.mesh.corners
        self.part.objects.setdefault(number_, self._object)

    def _component(self, attributes: dict[str, str]) -> None:
        if self._object is not None:
            self._object.components.append(_reference(attributes))
            self._limit(len(self._object.components))

    def _item(self, attributes: dict[str, str]) -> None:
        self.part.items.append(_reference(attributes))
        self._limit(len(self.part.items))

    def _limit(self, count: int) -> None:
        if count > self._deadline.limits.mesh_items:
            raise BrokenXml(f"it places more than {self._deadline.limits.mesh_items} objects")

    def _beam(self, _attributes: dict[str, str]) -> None:
        self.part.beams += 1


def _reference(attributes: dict[str, str]) -> Reference:
    path = next((value for key, value in attributes.items() if key == "path" or key.endswith(":path")), None)
    object_id = whole(attributes.get("objectid"), low=0, high=_MAX_ID)
    if object_id is None:
        raise ValueError("an object is used without its number")
    return Reference(
        path=path,
        object_id=object_id,
        matrix=matrix_of(attributes.get("transform")),
        printable=truth(attributes.get("printable", "1")) is not False,
    )
