"""What this house reads, by the ends of file names. Their contents decide in the end; names save some sending."""

SLICED = (".gcode.3mf", ".3mf", ".gcode", ".gco", ".g", ".bgcode", ".gx", ".ufp")
MESHES = (".stl", ".obj")
READABLE = (*SLICED, *MESHES)

# Said beside the place where files are dropped. `.gco` and `.g` are only other names of G-code.
OFFER = "Sliced files of any slicer (.gcode.3mf, .3mf, .gcode, .bgcode, .gx, .ufp) and meshes (.stl, .obj, .3mf)"


def is_readable(name: str) -> bool:
    """Whether a file of this name is worth sending."""
    return name.lower().endswith(READABLE)
