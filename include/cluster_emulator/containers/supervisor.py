"""Runs one program as a container would: its processes end with it, and with the emulator.

A program of its own, because a process cannot outlive kill -9 of its parent by accident here: the emulator holds the
other end of this process's standard input. Standard library only; it is started with `python -I -S`.
"""

import os
import signal
import subprocess
import sys
import threading

CANNOT_START = 128
"""The exit code that container runtimes report when the program cannot be started."""


def _end_with_the_emulator() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def main(command: list[str]) -> int:
    """The program's exit code; 128 and the signal's number when a signal ended it."""
    signal.signal(signal.SIGTERM, lambda *_: None)  # it is sent to the whole group: the program decides
    try:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"exec: {command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        return CANNOT_START
    threading.Thread(target=_end_with_the_emulator, daemon=True).start()
    code = program.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
