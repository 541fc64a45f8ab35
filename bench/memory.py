"""How much memory does the whole idle program take?

    ./dev bench memory [--settle 15]

The sum of the proportional set sizes (PSS, from /proc/<pid>/smaps_rollup) of every process of `printfarm up`: supervisor,
Valkey, web, both workers, and the hub. PSS counts a page that several processes share once in all, so the sum is what
the machine really gives. The yardstick is a bare Python interpreter, measured in the same run. Linux only.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from bench.running import printfarm

MB = 1000 * 1000


def pss_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{pid}/smaps_rollup has no Pss line")


def tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def program_of(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ").split()
    after = words[words.index("printfarm.cli") + 1 :] if "printfarm.cli" in words else [Path(words[0]).name]
    return " ".join(word for word in after if not word.startswith("--"))


def bare_interpreter() -> int:
    """PSS of a Python that has imported nothing."""
    with subprocess.Popen([sys.executable, "-I", "-c", "print(flush=True); input()"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as python:  # fmt: skip
        assert python.stdout is not None
        python.stdout.readline()
        size = pss_bytes(python.pid)
        python.communicate(b"\n")
    return size


def report(pids: list[int], bare: int) -> None:
    sizes = [(program_of(pid), pss_bytes(pid)) for pid in pids]
    total = sum(size for _, size in sizes)
    print(f"{total / bare:6.1f} times a bare Python interpreter: {total / MB:.0f} MB against {bare / MB:.1f} MB")
    for name, size in sizes:
        print(f"{size / bare:6.1f} {size / MB:7.1f} MB  {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settle", type=float, default=15, metavar="SECONDS", help="idle before measuring")
    asked = parser.parse_args()
    with printfarm(PRINTFARM_HUB="on") as up:
        time.sleep(asked.settle)
        report(tree(up.process.pid), bare_interpreter())


if __name__ == "__main__":
    main()
