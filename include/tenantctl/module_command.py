"""Runs a part of the product as a process: this package imports nothing of the product.

So the commands for tenants need neither Helm nor alembic (docs/adr/0040-product-files.md).
"""

import subprocess
import sys
from collections.abc import Sequence

from tenantctl.exit_codes import ExitCode


def run_module(module: str, words: Sequence[str]) -> ExitCode:
    """`python -m module words`; its exit code."""
    code = subprocess.run([sys.executable, "-m", module, *words], check=False).returncode
    return ExitCode(code) if code in {ExitCode.DONE, ExitCode.FAILED, ExitCode.USAGE} else ExitCode.FAILED
