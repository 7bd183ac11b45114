"""Prints the coverage figure before pytest's summary line, when `make test` measures it with slipcover."""

import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest

from sandbox.layout import PROJECT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """slipcover's plugin has merged the figures of pytest-xdist's workers by then."""
    folder = os.environ.get("SLIPCOVER_COVERAGE_DIR")
    merged = Path(folder or "") / "merged.json"
    if folder is None or not merged.is_file():
        return
    shutil.copy(merged, PROJECT / ".coverage.json")  # slipcover removes it before it could write its own
    percent = json.loads(merged.read_text())["summary"]["percent_covered"]
    required = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["slipcover"]["fail-under"]
    terminalreporter.write_sep("=", "coverage")
    terminalreporter.write_line(
        f"The tests' own processes executed {percent:.1f} % of the lines of tenancy and tenantctl. "
        f"With less than {required:g} %, `make test` fails."
    )
