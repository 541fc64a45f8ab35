"""Reads 3MF files that hold nothing but models: no settings of a slicer, no G-code."""

from printfarm.files.readers.archive import Archive, DamagedEntry
from printfarm.files.readers.limits import Deadline
from printfarm.files.readers.mesh_reading import drawing, warn_about_mesh
from printfarm.files.readers.model_3mf import Geometry, Said, read_geometry
from printfarm.files.readers.package import PictureReader, read_package, title
from printfarm.files.readers.package_xml import BrokenXml
from printfarm.files.readers.plates import Findings
from printfarm.files.readers.relations import model_entry
from printfarm.files.readers.results import FileReading, Plate, UnreadableFile
from printfarm.files.readers.source import Source
from printfarm.files.readers.values import storable


def recognises(source: Source) -> bool:
    return source.archive is not None and model_entry(source.archive) is not None


def read(source: Source, deadline: Deadline) -> FileReading:
    """Raises UnreadableFile when there is nothing to show: a damaged model, or one without any shape."""
    archive = source.archive
    assert archive is not None
    try:
        geometry = read_geometry(archive, deadline)
    except (BrokenXml, DamagedEntry) as error:
        raise UnreadableFile(f"The model in this 3MF cannot be read: {str(error)[:200]}. Export it again.") from error
    if geometry.mesh is None and not geometry.beams:
        raise UnreadableFile("This 3MF holds no triangles, so there is nothing to print in it. Export the model again.")
    package = read_package(archive, deadline)
    found = package.found
    if geometry.mesh is None:
        found.warn("beam_lattice", "This model is a lattice of bars without triangles; its size is not known.", 1)
    else:
        warn_about_mesh(found, geometry.mesh)
        package.raw["mesh"] = geometry.mesh.to_json()
    covers = PictureReader(archive, deadline, found).covers()
    return FileReading(
        format="3mf",
        sliced=False,
        title=title(package),
        designer=package.metadata.get("Designer"),
        licence=package.metadata.get("LicenseTerms") or package.metadata.get("License"),
        plates=(Plate(index=1, objects=objects_of(geometry)),),
        thumbnails=covers,
        mesh=geometry.mesh,
        warnings=tuple(found.warnings),
        raw=storable(package.raw),
        draw=drawing(geometry.triangles) if geometry.placed else None,
    )


def objects_of(geometry: Geometry) -> tuple[str, ...]:
    items = geometry.mesh.items if geometry.mesh else ()
    return tuple(item.name for item in items if item.name)


def project_geometry(archive: Archive, deadline: Deadline, found: Findings, said: Said | None = None) -> Geometry:
    """The meshes of a project. Its settings count more: a model that cannot be read is only a warning."""
    try:
        geometry = read_geometry(archive, deadline, said)
    except (BrokenXml, DamagedEntry) as error:
        found.warn("mesh_unreadable", f"The model in this project cannot be read: {str(error)[:200]}.")
    except UnreadableFile as error:
        found.warn("mesh_unreadable", error.sentence)
    else:
        if geometry.mesh:
            warn_about_mesh(found, geometry.mesh)
        return geometry
    return Geometry()
