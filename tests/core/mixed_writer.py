"""One of several processes that write at the same time: adds filaments, reads them back, changes and deletes some.

Arguments: database URL, Redis URL, shop id, name, how many. Prints how many rows it left, and how often it was asked to wait.
"""

import random
import sys
import tempfile
from uuid import UUID

from sqlalchemy import func, select

from printfarm.application import build
from printfarm.config import load_settings
from printfarm.core.errors import Unavailable
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models import Filament


def main(database_url: str, redis_url: str, shop: str, name: str, count: str) -> None:
    environ = {
        "PRINTFARM_DATA_DIR": tempfile.mkdtemp(),
        "PRINTFARM_DATABASE_URL": database_url,
        "PRINTFARM_REDIS_URL": redis_url,
        "PRINTFARM_SECRET_KEY": "5e" * 32,
    }
    shop_id, left, waited = UUID(shop), 0, 0
    with build(load_settings(environ)).app_context():
        for number in range(int(count)):
            try:
                with unit_of_work(shop_id) as db:
                    seen = db.scalar(select(func.count()).select_from(Filament).where(Filament.brand == name))
                    assert seen == left, f"{name} sees {seen} of its {left} rows"
                    db.add(Filament(brand=name, material="PLA", colour_name=str(number), colour_hex="#123456"))
                left += 1
                if random.random() < 0.3:
                    with unit_of_work(shop_id) as db:
                        db.delete(db.scalars(select(Filament).where(Filament.brand == name).limit(1)).one())
                    left -= 1
                with read_only(shop_id) as db:
                    db.scalars(select(Filament).where(Filament.brand == name)).all()
            except Unavailable:
                waited += 1
    sys.stdout.write(f"{left} {waited}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
