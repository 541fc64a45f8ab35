"""One line per event on standard error; `printfarm up` puts the program's name in front."""

import logging
import sys
import time

log = logging.getLogger("printfarm")

NOISY = (
    "alembic",
    "rq.worker",
    "rq.scheduler",
    "urllib3",
    "botocore",
    "boto3",
    "s3transfer",
    "PIL",
    "httpx",
    "httpcore",
)


def configure(level: str) -> None:
    """Set up logging for a whole process. `level` is debug, info, warning or error."""
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
