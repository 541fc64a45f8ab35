"""The XML parts of a Bambu-family 3MF: results of slicing, plates and objects, and the head of the model."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from printfarm.files.readers.plates import StatedFilament
from printfarm.files.readers.values import (
    MAX_GRAMS,
    MAX_METRES,
    clean_text,
    colour,
    number,
    seconds,
    storable,
    truth,
    whole,
)

_RESOURCES = re.compile(rb"<(?:\w{1,20}:)?resources\b")
_MODEL_OPEN = re.compile(rb"<((?:\w{1,20}:)?model)\b")
_MAX_OBJECTS = 2000
_MAX_INDEX = 10_000


class BrokenXml(Exception):
    """The XML cannot be parsed, or tries something that such files never need."""


@dataclass(frozen=True, slots=True)
class SlicedPlate:
    """One `plate` of slice_info.config. `extruder_of_slot` counts from 0."""

    index: int
    time_total_s: int | None
    weight_g: float | None
    time_first_layer_s: float | None
    outside: bool | None
    support_used: bool | None
    printer_id: str | None
    nozzle_mm: tuple[float, ...]
    extruder_of_slot: tuple[int, ...]
    filaments: tuple[StatedFilament, ...]
    objects: tuple[str, ...]
    slicer_warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SliceInfo:
    header: Mapping[str, str] = field(default_factory=dict)
    plates: tuple[SlicedPlate, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DefinedPlate:
    """One `plate` of model_settings.config: what the person arranged."""

    index: int
    name: str | None
    bed_type: str | None
    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelSettings:
    plates: tuple[DefinedPlate, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)


def parse_xml(content: bytes) -> Element:
    """Parse without DTD and entities; text that is not the encoding it claims to be is repaired once."""
    try:
        return _parse(content)
    except BrokenXml:
        repaired = content.decode("utf-8", "replace").encode()
        if repaired == content:
            raise
        return _parse(repaired)


def _parse(content: bytes) -> Element:
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise BrokenXml("it declares entities or a document type, which no slicer writes") from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise BrokenXml(str(error)) from error
    return root


def read_slice_info(content: bytes) -> SliceInfo:
    root = parse_xml(content)
    items = [item.attrib for header in root.iterfind("header") for item in header.iterfind("header_item")]
    header = {k: v for item in items if (k := clean_text(item.get("key"))) and (v := clean_text(item.get("value")))}
    elements = list(root.iterfind("plate"))[:_MAX_INDEX]
    plates = tuple(_sliced_plate(element, place) for place, element in enumerate(elements, start=1))
    raw = {"header": [dict(item) for item in items], "plates": [_raw_plate(element) for element in elements]}
    return SliceInfo(header, plates, storable(raw))


def _sliced_plate(element: Element, place: int) -> SlicedPlate:
    values = _metadata(element)
    return SlicedPlate(
        index=whole(values.get("index"), low=1, high=_MAX_INDEX) or place,
        time_total_s=seconds(values.get("prediction")),
        weight_g=number(values.get("weight"), high=MAX_GRAMS),
        time_first_layer_s=number(values.get("first_layer_time"), high=1e7) or None,
        outside=truth(values.get("outside")),
        support_used=truth(values.get("support_used")),
        printer_id=clean_text(values.get("printer_model_id"), 80),
        nozzle_mm=tuple(n for part in values.get("nozzle_diameters", "").split(",") if (n := number(part, high=10))),
        extruder_of_slot=tuple(_extruders(values.get("filament_maps", ""))),
        filaments=tuple(_stated_filaments(element)),
        objects=_object_names(element),
        slicer_warnings=tuple(
            text for warning in element.iterfind("warning") if (text := clean_text(warning.get("msg")))
        )[:50],
    )


def _extruders(maps: str) -> Iterator[int]:
    for part in maps.split()[:256]:
        yield (whole(part, low=1, high=64) or 1) - 1


def _stated_filaments(element: Element) -> Iterator[StatedFilament]:
    seen: set[int] = set()
    for filament in element.iterfind("filament"):
        slot = whole(filament.get("id"), low=1, high=256)
        if slot is None or slot in seen:
            continue
        seen.add(slot)
        yield StatedFilament(
            slot=slot,
            material=clean_text(filament.get("type"), 80),
            colour=colour(filament.get("color")),
            tray_info_idx=clean_text(filament.get("tray_info_idx"), 80),
            metres=number(filament.get("used_m"), high=MAX_METRES),
            grams=number(filament.get("used_g"), high=MAX_GRAMS),
        )


def _object_names(element: Element) -> tuple[str, ...]:
    found = (clean_text(thing.get("name")) for thing in element.iterfind("object"))
    return tuple(name for name in found if name)[:_MAX_OBJECTS]


def _raw_plate(element: Element) -> dict[str, Any]:
    raw: dict[str, Any] = {"metadata": _metadata(element)}
    for child in element:
        if child.tag != "metadata" and isinstance(child.tag, str):
            entry: dict[str, Any] = dict(child.attrib)
            if len(child):
                entry["items"] = [dict(item.attrib) for item in child]
            raw.setdefault(child.tag, []).append(entry)
    return raw


def _metadata(element: Element) -> dict[str, str]:
    pairs = ((item.get("key"), item.get("value")) for item in element.iterfind("metadata"))
    return {key: value for key, value in pairs if key is not None and value is not None}


def read_model_settings(content: bytes) -> ModelSettings:
    root = parse_xml(content)
    names = {thing.get("id"): _metadata(thing).get("name") for thing in root.iterfind("object")}
    plates = []
    for place, element in enumerate(list(root.iterfind("plate"))[:_MAX_INDEX], start=1):
        values = _metadata(element)
        instances = [_metadata(instance).get("object_id") for instance in element.iterfind("model_instance")]
        found = (clean_text(names.get(key)) for key in instances)
        plates.append(
            DefinedPlate(
                index=whole(values.get("plater_id"), low=1, high=_MAX_INDEX) or place,
                name=clean_text(values.get("plater_name"), 200),
                bed_type=clean_text(values.get("bed_type"), 80),
                objects=tuple(name for name in found if name)[:_MAX_OBJECTS],
            )
        )
    raw = {
        "objects": [_raw_object(thing) for thing in list(root.iterfind("object"))[:_MAX_OBJECTS]],
        "plates": [_metadata(element) for element in root.iterfind("plate")],
    }
    numbered = ((whole(key), clean_text(name, 200)) for key, name in names.items())
    return ModelSettings(
        tuple(plates), storable(raw), {key: name for key, name in numbered if key is not None and name}
    )


def _raw_object(element: Element) -> dict[str, Any]:
    parts = [
        dict(part.attrib) | {"metadata": _metadata(part)} for part in list(element.iterfind("part"))[:_MAX_OBJECTS]
    ]
    return {"id": element.get("id"), "metadata": _metadata(element), "parts": parts}


def read_model_metadata(head: bytes) -> dict[str, str]:
    """The `metadata` of 3dmodel.model, from the bytes before its resources (the mesh may be huge)."""
    opened = _MODEL_OPEN.search(head)
    if opened is None:
        raise BrokenXml("no model")
    resources = _RESOURCES.search(head)
    if resources is not None:
        head = head[: resources.start()] + b"</" + opened[1] + b">"
    found: dict[str, str] = {}
    for element in parse_xml(head):
        if isinstance(element.tag, str) and element.tag.endswith("metadata") and len(found) < 200:
            name, text = clean_text(element.get("name"), 200), clean_text(element.text, 20_000)
            if name and text:
                found.setdefault(name, text)
    return found
