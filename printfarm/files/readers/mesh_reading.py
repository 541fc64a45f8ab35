"""What the readers of meshes have in common: from triangles that pass by to a reading that the library can keep."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from printfarm.files.readers.limits import Deadline
from printfarm.files.readers.plates import Findings
from printfarm.files.readers.results import (
    FileReading,
    Mesh,
    MeshItem,
    Plate,
    ReadingWarning,
    Thumbnail,
    UnreadableFile,
)
from printfarm.files.readers.triangles import Corners, NotFinite, rounded

if TYPE_CHECKING:
    from printfarm.files.readers.measure import Measure

Triangles = Callable[[], Iterable[Corners]]

SMALLEST_MM, LARGEST_MM = 1.0, 1000.0
_MAX_ITEMS = 200


def measured(triangles: Iterable[Corners], deadline: Deadline, name: str | None = None) -> tuple[MeshItem, "Measure"]:
    """Add up one mesh in millimetres; raises UnreadableFile when it is too large, empty or holds no numbers."""
    from printfarm.files.readers.measure import Measure

    measure = Measure()
    try:
        for corners in triangles:
            measure.add(corners)
            check_cost(measure.triangles, deadline)
    except NotFinite as error:
        raise UnreadableFile("This model is damaged: it holds points that are nowhere. Export it again.") from error
    if not measure.triangles:
        raise UnreadableFile(
            "This file holds no triangles, so there is nothing to print in it. Export the model again."
        )
    return measure.item(name), measure


def check_cost(triangles: int, deadline: Deadline) -> None:
    """Raise UnreadableFile when a mesh takes too long or is too large."""
    most = deadline.limits.triangles
    if triangles > most:
        raise UnreadableFile(f"This model has more than {most:,} triangles. Export it with less detail.")
    if deadline.is_over:
        raise UnreadableFile("This model takes too long to read. Export it with less detail.")


def mesh_of(items: Sequence[MeshItem], unit: str | None) -> Mesh:
    """All items together; there is at least one."""
    largest = max(items, key=lambda item: max(item.size_mm))
    return Mesh(
        unit=unit,
        triangles=sum(item.triangles for item in items),
        size_mm=largest.size_mm,
        volume_mm3=rounded(sum(item.volume_mm3 or 0.0 for item in items)),
        area_mm2=rounded(sum(item.area_mm2 or 0.0 for item in items)),
        is_closed=all(item.is_closed for item in items),
        items=tuple(items[:_MAX_ITEMS]),
        item_count=len(items),
    )


def warn_about_mesh(found: Findings, mesh: Mesh) -> None:
    """Say what a person should look at before slicing."""
    side_mm = max(mesh.size_mm)
    if side_mm < SMALLEST_MM:
        found.warn(
            "very_small", f"This model is only {side_mm:g} mm long: it was probably drawn in inches or metres.", 1
        )
    if side_mm > LARGEST_MM:
        found.warn("very_large", f"This model is {side_mm:.0f} mm long: it was probably drawn in another unit.", 1)
    if not mesh.is_closed:
        sentence = "The surface of this model has holes, so its volume is only roughly right. A slicer may repair it."
        found.warn("open_mesh", sentence, 1)


def mesh_reading(
    form: str,
    mesh: Mesh,
    triangles: Triangles,
    *,
    title: str | None = None,
    warnings: Sequence[ReadingWarning] = (),
) -> FileReading:
    """The reading of a file that holds nothing but a mesh. Its only plate says what would lie on the bed."""
    found = Findings(list(warnings))
    warn_about_mesh(found, mesh)
    return FileReading(
        format=form,
        sliced=False,
        title=title,
        plates=(Plate(index=1, objects=tuple(name for item in mesh.items if (name := item.name))),),
        mesh=mesh,
        warnings=tuple(found.warnings),
        raw={"mesh": mesh.to_json()},
        draw=drawing(triangles),
    )


def drawing(triangles: Triangles) -> Callable[[int], Thumbnail | None]:
    """Draws the mesh, whichever plate is asked for."""

    def draw(_plate: int) -> Thumbnail | None:
        from printfarm.files.readers.render import render_mesh

        return render_mesh(triangles)

    return draw
