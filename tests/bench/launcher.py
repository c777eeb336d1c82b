"""Runs one program and tells its time and memory: `launcher.py DESCRIPTOR PROGRAM ARGUMENT…`.

A process counts as large as the one that started it was, because it is its copy until it loads
its own program. So measured programs are started by this one, which is small, and not by one
that holds data. Source: `exec_mmap` in Linux, fs/exec.c, which hands the old peak on.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """Writes the wall clock at the start, seconds, peak in KiB and wait status to a descriptor."""
    report, command = int(sys.argv[1]), sys.argv[2:]
    began, start = time.time(), time.perf_counter()
    started = os.posix_spawnp(command[0], command, os.environ)
    # The usage of a process and of all that it has waited for: the largest of them counts.
    _, status, usage = os.wait4(started, 0)
    spent = time.perf_counter() - start
    os.write(report, f"{began} {spent} {usage.ru_maxrss} {status}".encode())


if __name__ == "__main__":
    main()
