"""One line per event on standard error; `printfarm up` puts the program's name in front."""

import logging
import re
import sys
import time
from typing import Any

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


# A token that stands in a path (ADR 0031). The application takes it out before it logs; servers before it may not.
IN_PATH = re.compile(r"(/spoolman/)(?!api/)[^/\s\"'?]+")


class HidesTokens(logging.Filter):
    """Puts an ellipsis where a line would tell a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, dict):  # an access log: its parts by their letters
            record.args = {name: _hidden(value) for name, value in record.args.items()}
        elif "/spoolman/" in (line := record.getMessage()):
            record.msg, record.args = _hidden(line), ()
        return True


def _hidden(value: Any) -> Any:
    return IN_PATH.sub(r"\1…", value) if isinstance(value, str) else value


def configure(level: str) -> None:
    """Set up logging for a whole process. `level` is debug, info, warning or error."""
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(HidesTokens())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
