"""The built-in hub: the same program as a hub on another site, with its folder inside ours."""

import os
import sys

from hub.__main__ import main
from printfarm.config import Settings
from printfarm.processes import tls
from printfarm.processes.lock import die_with_parent, take_lock


def run(settings: Settings) -> None:
    die_with_parent()
    with take_lock(settings.data_dir, "hub", wait_s=10):
        settings.hub_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if settings.tls != "off":
            os.environ["SSL_CERT_FILE"] = str(tls.trusted_certificates(settings))  # what the hub's libraries heed
        sys.exit(main(["--data", str(settings.hub_dir), "--url", settings.hub_url]))
