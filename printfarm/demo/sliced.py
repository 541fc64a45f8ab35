"""The demo's sliced files: built as Bambu Studio lays them out, with pictures of the things."""

import zipfile
from pathlib import Path

from printfarm.demo.catalogue import BY_KEY, MODEL_IDS, Thing
from printfarm.demo.pictures import plate_picture, smaller, top_picture
from printfarm.files.sample_builder import PlateSpec, SampleFilament, sliced_3mf_entries

DESIGNER = "PrintFarm demo"
START_S = 360  # of the whole time, for heating and levelling


def write_sliced(thing: Thing, folder: Path) -> Path:
    """Write the thing's file into a folder and return it."""
    plates = [_plate(thing, number) for number in range(1, len(thing.plates) + 1)]
    entries = sliced_3mf_entries(
        plates,
        printer_model_id=MODEL_IDS[thing.printer],
        nozzle_mm=thing.nozzle_mm,
        title=thing.name,
        designer=DESIGNER,
    )
    for number, solids in enumerate(thing.draw(), start=1):
        picture = plate_picture(solids)
        entries |= {
            f"Metadata/plate_{number}.png": picture,
            f"Metadata/plate_{number}_small.png": smaller(picture, 128),
            f"Metadata/plate_no_light_{number}.png": picture,
            f"Metadata/top_{number}.png": top_picture(solids, 256),
        }
    path = folder / thing.file_name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def _plate(thing: Thing, number: int) -> PlateSpec:
    seconds = thing.minutes * 60
    return PlateSpec(
        index=number,
        name=thing.plates[number - 1],
        filaments=[_filament(thing, slot) for slot in range(1, len(thing.uses) + 1)],
        time_total_s=seconds,
        time_model_s=seconds - START_S,
        layers=thing.layers,
        objects=(thing.name,),
    )


def _filament(thing: Thing, slot: int) -> SampleFilament:
    use = thing.uses[slot - 1]
    roll = BY_KEY[use.roll]
    return SampleFilament(
        slot=slot,
        material=roll.material,
        colour=roll.first_colour,
        grams=use.grams,
        purge_grams=use.purge_g,
        tower_grams=use.tower_g,
        vendor=roll.brand,
        preset=roll.preset,
        tray_info_idx=roll.tray_info_idx,
        nozzle_c=roll.nozzle_c,
        bed_c=roll.bed_c,
        cost_per_kg=roll.cost_per_kg,
    )
