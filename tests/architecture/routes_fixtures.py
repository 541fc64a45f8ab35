"""What each route is asked for in tests/architecture/test_routes.py. A route that is not listed here fails that test.

To add one: a line `"area.view": Ask()`. Ids in the path are filled in by their names (IDS below). A form, a query or a JSON
body is a function of the shop whose ids it carries; the test sends it with its own shop's ids and with another shop's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from PIL import Image

from printfarm.core.signing import sign
from tests.architecture.world import Shop

# The name of an id in a path → the table that it leads into.
IDS = {
    "brand_id": "brands",
    "category_id": "categories",
    "image_id": "model_images",
    "import_id": "imports",
    "entry_id": "stock_entries",
    "file_id": "pictures",
    "filament_id": "filaments",
    "hub_id": "hubs",
    "invite_id": "invites",
    "job_id": "print_jobs",
    "membership_id": "memberships",
    "model_id": "models",
    "other_id": "variants",
    "plate_id": "plates",
    "printer_id": "printers",
    "purchase_id": "purchases",
    "run_id": "print_runs",
    "session_id": "sessions",
    "shop_id": "shops",
    "sheet_id": "sheet_imports",
    "slot_id": "printer_slots",
    "spoolman_id": "spoolman_imports",
    "spool_id": "spools",
    "token_id": "tokens",
    "trial_id": "printer_trials",
    "upload_id": "uploads",
    "variant_id": "variants",
}
WORDS = {"code": "spool code"}

Make = Callable[[Shop], dict[str, Any]]


@dataclass(frozen=True)
class Ask:
    """How a route is asked.

    `last`: it takes away what other routes need, so the owner's own try comes at the end. `keeps`: the one table of the asking
    person's own shop where a refused form is remembered as it was typed.
    """

    form: Make | None = None
    query: Make | None = None
    json: Make | None = None
    last: bool = False
    keeps: str | None = None


PRINTER_FORM = {
    "name": "New one",
    "model_id": "C12",
    "address": "192.0.2.9",
    "serial": "01P00A000000001",
    "access_code": "12345678",
    "nozzle_mm": "0.40",
    "bed_type": "",
}
FILAMENT_FORM = {"brand": "B", "material": "PLA", "colour_name": "Sky", "colour_hex": "#123456"}
SHOP_FORM = {"name": "Shop", "currency": "EUR", "timezone": "UTC", "locale": "en", "units": "metric"}


def png() -> bytes:
    """A picture of one pixel."""
    out = BytesIO()
    Image.new("RGB", (1, 1)).save(out, "PNG")
    return out.getvalue()


def small_zip() -> bytes:
    """A zip with one mesh in it."""
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        archive.writestr("Fox/fox.stl", "solid fox\nendsolid fox\n")
    return out.getvalue()


def printer_form(shop: Shop) -> dict[str, Any]:
    return {**PRINTER_FORM, "hub_id": str(shop["hubs"])}


def answer_form(shop: Shop) -> dict[str, Any]:
    return {
        "model": str(shop["models"]),
        "variant_name": "V",
        "category": "other",
        "slot-1-choice": str(shop["filaments"]),
    }


ROUTES: dict[str, Ask] = {
    "accounts.change_password": Ask(form=lambda _: {"old": "x", "new": "y", "again": "z"}),
    "accounts.change_profile": Ask(form=lambda _: {"name": "N", "theme": "dark"}),
    "accounts.change_role": Ask(form=lambda _: {"role": "owner"}),
    "accounts.end_other_sessions": Ask(last=True),
    "accounts.end_session": Ask(last=True),
    "accounts.enter_shop": Ask(),
    "accounts.invite": Ask(form=lambda _: {"role": "viewer"}),
    "accounts.leave_shop": Ask(last=True),
    "accounts.members": Ask(),
    "accounts.open_shop": Ask(form=lambda _: SHOP_FORM),
    "accounts.profile": Ask(),
    "accounts.remove_member": Ask(last=True),
    "accounts.revoke_invite": Ask(last=True),
    "accounts.shop_settings": Ask(form=lambda _: SHOP_FORM),
    "accounts.shops": Ask(),
    "accounts.sign_out": Ask(last=True),
    "accounts.tokens": Ask(),
    "accounts.make_token": Ask(form=lambda _: {"name": "Moonraker", "scope": "stock"}),
    "accounts.revoke_token": Ask(last=True),
    "filament.add_brand": Ask(form=lambda _: {"name": "Acme"}),
    "filament.add_filament": Ask(form=lambda _: FILAMENT_FORM),
    "filament.add_spool": Ask(form=lambda _: {"weight": "1000", "low_below": "100"}),
    "filament.archive_filament": Ask(last=True),
    "filament.archive_spool": Ask(last=True),
    "filament.brands": Ask(),
    "filament.browse_catalogue": Ask(),
    "filament.edit_brand": Ask(form=lambda _: {"name": "Acme & Sons"}),
    "filament.discard_spool": Ask(last=True),
    "filament.dry_spool": Ask(),
    "filament.forget_chip": Ask(),
    "filament.drying": Ask(form=lambda _: {"material": "PA", "days": "5"}),
    "filament.edit_filament": Ask(form=lambda _: {**FILAMENT_FORM, "colour_name": "Sea"}),
    "filament.edit_spool": Ask(form=lambda _: {"low_below": "100"}),
    "filament.empty_spool": Ask(last=True),
    "filament.filament": Ask(),
    "filament.filaments": Ask(),
    "filament.merge_filament": Ask(form=lambda shop: {"into": str(shop["filaments"])}),
    "filament.merge_spools": Ask(form=lambda shop: {"other": str(shop["spools"])}),
    "filament.open_spool": Ask(),
    "filament.receive_ordered": Ask(),
    "filament.receive_spools": Ask(
        form=lambda _: {"count": "2", "weight": "1000", "low_below": "100", "token": "once"}
    ),
    "filament.check_stock": Ask(),
    "filament.ledger": Ask(query=lambda shop: {"spool": str(shop["spools"])}),
    "filament.ledger_csv": Ask(query=lambda shop: {"filament": str(shop["filaments"])}),
    "filament.repair_stock": Ask(),
    "filament.stock_check": Ask(),
    "filament.remove_brand": Ask(last=True),
    "filament.resolve": Ask(form=lambda shop: {"spool_id": str(shop["spools"])}, last=True),
    "filament.restore_filament": Ask(),
    "filament.restore_spool": Ask(),
    "filament.similar_filaments": Ask(),
    "filament.act_on_spools": Ask(form=lambda shop: {"deed": "dried", "spool": str(shop["spools"])}),
    "filament.book_in_row": Ask(form=lambda _: {"what": "set", "grams": "400", "seen": "500000"}),
    "filament.inventory_row": Ask(),
    "filament.inventory_csv": Ask(),
    "filament.sheets": Ask(),
    "filament.receive_sheet": Ask(form=lambda _: {"file": (BytesIO(b"Code,Left g\n"), "spools.csv")}),
    "filament.sheet": Ask(),
    "filament.start_sheet": Ask(last=True),
    "filament.stop_sheet": Ask(last=True),
    "filament.forget_sheet": Ask(last=True),
    "filament.undo_in_row": Ask(form=lambda shop: {"entry_id": str(shop["stock_entries"])}, last=True),
    "filament.spool": Ask(),
    "filament.spools": Ask(),
    "filament.receive_spoolman": Ask(form=lambda _: {"file": (BytesIO(b"[]"), "spools.json")}),
    "filament.spoolman_import": Ask(),
    "filament.spoolman_imports": Ask(),
    "filament.start_spoolman_import": Ask(last=True),
    "filament.unassigned": Ask(),
    "filament.change_filament": Ask(form=lambda shop: {"filament_id": str(shop["filaments"])}),
    "filament.split_spool": Ask(form=lambda _: {"grams": "10", "onto": "new"}),
    "filament.undo_entry": Ask(last=True),
    "filament.weigh_spool": Ask(form=lambda _: {"what": "set", "grams": "100"}),
    "files.discard_upload": Ask(last=True),
    "files.begin_sending": Ask(json=lambda _: {"name": "a.gcode", "size": 4}),
    "files.go_on_sending": Ask(),
    "files.picture": Ask(),
    "files.receive_uploads": Ask(form=lambda _: {"files": (BytesIO(b"G28\n"), "a.gcode")}),
    "files.retry_upload": Ask(last=True),
    "files.take_bytes": Ask(json=lambda _: {"any": "bytes"}),
    "files.uploads": Ask(),
    "fleet.add_hub": Ask(form=lambda _: {"name": "Another hub"}),
    "fleet.add_printer": Ask(form=printer_form, query=lambda shop: {"trial": str(shop["printer_trials"])}),
    "fleet.archive_hub": Ask(last=True),
    "fleet.archive_printer": Ask(last=True),
    "fleet.assign_spool": Ask(form=lambda shop: {"spool_id": str(shop["spools"])}),
    "fleet.clear_bed": Ask(),
    "fleet.confirm_spool": Ask(form=lambda shop: {"spool_id": str(shop["spools"])}),
    "fleet.control_printer": Ask(form=lambda _: {"action": "light_on"}),
    "fleet.edit_printer": Ask(form=printer_form, query=lambda shop: {"trial": str(shop["printer_trials"])}),
    "fleet.forget_chip": Ask(form=lambda shop: {"spool_id": str(shop["spools"])}),
    "fleet.hubs": Ask(),
    "fleet.maintain_printer": Ask(form=lambda _: {"on": "1"}),
    "fleet.move_printer": Ask(form=lambda _: {"direction": "up"}),
    "fleet.printer": Ask(),
    "fleet.rolls": Ask(),
    "fleet.save_trial": Ask(last=True),
    "fleet.show": Ask(),
    "fleet.slot": Ask(),
    "fleet.trial": Ask(),
    "fleet.trust_certificate": Ask(last=True),
    "fleet.try_again": Ask(last=True),
    "floor.cancel_load": Ask(form=lambda shop: {"code": shop.words["spool code"]}),
    "floor.labels": Ask(query=lambda shop: {"code": shop.words["spool code"]}),
    "floor.load": Ask(query=lambda shop: {"spool": shop.words["spool code"]}),
    "floor.load_spool": Ask(form=lambda shop: {"spool_id": str(shop["spools"]), "slot_id": str(shop["printer_slots"])}),
    "floor.open_code": Ask(),
    "floor.open_in_shop": Ask(),
    "floor.read_photo": Ask(form=lambda _: {"photo": (BytesIO(b"no picture"), "a.jpg")}),
    "floor.scan": Ask(),
    "insight.bell": Ask(),
    "insight.clear_bed": Ask(),
    "insight.count_needs": Ask(),
    "insight.offline": Ask(),
    "insight.dashboard": Ask(),
    "insight.needs": Ask(),
    "insight.find": Ask(query=lambda shop: {"q": shop.words["spool code"]}),
    "insight.peek": Ask(query=lambda shop: {"q": shop.words["spool code"]}),
    "insight.showcase": Ask(),
    "library.add_category": Ask(form=lambda _: {"name": "Gifts"}),
    "library.add_images": Ask(form=lambda _: {"images": (BytesIO(png()), "a.png")}),
    "library.answer_upload": Ask(form=answer_form, keeps="uploads"),
    "library.archive_model": Ask(last=True),
    "library.categories": Ask(),
    "library.choose_other": Ask(query=lambda shop: {"other": str(shop["variants"])}),
    "library.choose_picture": Ask(form=lambda shop: {"picture": str(shop["pictures"])}),
    "library.compare_variants": Ask(),
    "library.count_again": Ask(last=True),
    "library.download_variant": Ask(),
    "library.edit_model": Ask(),
    "library.edit_variant": Ask(),
    "library.images": Ask(),
    "library.change_plan": Ask(form=lambda _: {"plan": (BytesIO(b"ignore: [old/*]\n"), "plan.yaml")}),
    "library.decide_filaments": Ask(form=lambda shop: {"wish-pla||": str(shop["filaments"])}),
    "library.import_": Ask(),
    "library.import_plan": Ask(),
    "library.import_report": Ask(),
    "library.import_report_csv": Ask(),
    "library.imports": Ask(),
    "library.receive_import": Ask(form=lambda _: {"zip": (BytesIO(small_zip()), "a.zip")}),
    "library.remove_import": Ask(last=True),
    "library.retry_import": Ask(),
    "library.start_import": Ask(form=lambda _: {"goal": "import"}),
    "library.stop_import": Ask(),
    "library.keep_typed": Ask(form=answer_form, keeps="uploads"),
    "library.model": Ask(),
    "library.models": Ask(),
    "library.metadata": Ask(),
    "library.move_image": Ask(form=lambda _: {"after": ""}),
    "library.remove_category": Ask(form=lambda _: {"move_to": "other"}, last=True),
    "library.remove_image": Ask(last=True),
    "library.rename_category": Ask(form=lambda _: {"name": "Presents"}),
    "library.restore_model": Ask(),
    "library.save_model": Ask(form=lambda _: {"name": "M", "category": "other"}),
    "library.save_variant": Ask(form=lambda _: {"note": "N"}),
    "library.upload": Ask(query=lambda shop: {"model": str(shop["models"])}),
    "library.variant": Ask(),
    "queue.add_jobs": Ask(form=lambda shop: {"plate_id": str(shop["plates"]), "quantity": "1"}),
    "queue.cancel_job": Ask(last=True),
    "queue.history": Ask(),
    "queue.job": Ask(),
    "queue.move_job": Ask(form=lambda shop: {"after": str(shop["print_jobs"])}),
    "queue.pause_run": Ask(),
    "queue.feed_run": Ask(form=lambda shop: {"slot": "1", "spool_id": str(shop["spools"])}),
    "queue.put_roll": Ask(form=lambda shop: {"slot_id": str(shop["printer_slots"]), "spool_id": str(shop["spools"])}),
    "queue.repeat_job": Ask(),
    "queue.resume_run": Ask(),
    "queue.retry_job": Ask(),
    "queue.settle_run": Ask(form=lambda _: {"outcome": "failed"}, last=True),
    "queue.show": Ask(),
    "queue.start_job": Ask(form=lambda shop: {"printer_id": str(shop["printers"])}),
    "queue.stop_run": Ask(last=True),
    "queue.weigh_run": Ask(form=lambda _: {"used-0-slot": "1", "used-0-grams": "1"}),
}

ROUTES |= {
    "shopping.choose_wish": Ask(),
    "shopping.download": Ask(),
    "shopping.expect_order": Ask(form=lambda _: {"expected_on": "2031-05-01"}),
    "shopping.order": Ask(
        query=lambda shop: {"filament": str(shop["filaments"])},
        form=lambda shop: {"filament": str(shop["filaments"]), f"{shop['filaments']}-rolls": "1"},
    ),
    "shopping.orders": Ask(),
    "shopping.receive_order": Ask(form=lambda _: {"seen": "1", "rolls": "1", "weight": "750"}),
    "shopping.receive_orders": Ask(form=lambda shop: {"purchase": str(shop["purchases"])}, last=True),
    "shopping.remove_wish": Ask(),
    "shopping.set_times": Ask(form=lambda _: {"times": "3"}),
    "shopping.show": Ask(),
    "shopping.take_back_order": Ask(last=True),
    "shopping.wish": Ask(form=lambda _: {"rolls": "2"}),
}

# Open to strangers by intent. Each is tried by hand in the test that stands beside it.
PUBLIC = {
    "accounts.join": "tests/accounts/test_invite.py",
    "accounts.live_screen": "tests/accounts/test_live_screen.py",
    "accounts.set_up": "tests/accounts/test_first_start.py",
    "accounts.sign_in": "tests/accounts/test_sign_in.py",
    "accounts.sign_in_link": "tests/accounts/test_one_time_links.py",
    "files.signed_file": "tests/architecture/test_routes.py",
    "hub_link.hub_link": "tests/architecture/test_routes.py",
}

# They say nothing of any shop and ask nobody who they are.
WITHOUT_A_GUARD = {
    "static",
    "health.alive",
    "health.ready",
    "insight.nothing_kept",
    "installable.icon",
    "installable.manifest",
    "installable.service_worker",
}


def path_values(arguments: set[str], shop: Shop) -> dict[str, Any]:
    """The ids of a path, as this shop has them. A KeyError names an id that IDS above does not know."""
    return {name: shop.words[WORDS[name]] if name in WORDS else shop[IDS[name]] for name in arguments}


def signed(shop: Shop, file_of: Shop, purpose: str = "file") -> str:
    """A token that we ourselves sign for a file in a shop."""
    with shop.app.app_context():
        return sign({"shop": str(shop.id), "file": str(file_of["stored_files"])}, purpose)
