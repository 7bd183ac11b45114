"""The termination message of a container, cut as the kubelet cuts it.

Kubernetes 1.32, pkg/kubelet/kuberuntime: at most 4096 bytes from the end of the message's file; with
`FallbackToLogsOnError` and an empty file at most 80 lines and 2048 bytes from the end of the log.
"""

from pathlib import Path
from typing import Final

MESSAGE_BYTES: Final = 4096
_LOG_BYTES: Final = 2048
_LOG_LINES: Final = 80


def termination_message(file: Path, log: Path | None) -> str:
    """`log`: what to take when the file is empty; None when the pod's policy is `File` or the container succeeded."""
    message = _end_of(file, MESSAGE_BYTES)
    if message or log is None:
        return message
    return "".join(_end_of(log, _LOG_BYTES).splitlines(keepends=True)[-_LOG_LINES:])


def _end_of(file: Path, count: int) -> str:
    if not file.is_file():
        return ""
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - count))
        return opened.read(count).decode(errors="replace")
