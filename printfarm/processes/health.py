"""The container's health check: does the web process answer /healthz? Heeds port and TLS as the server does."""

import sys

from printfarm.config import load_settings
from printfarm.processes.up import answers


def main() -> int:
    return 0 if answers(load_settings(), "/healthz") else 1


if __name__ == "__main__":
    sys.exit(main())
