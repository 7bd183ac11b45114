"""Imports httpx without its command line, which httpx 0.28.1 imports where click and rich are installed.

The command line takes two thirds of the import time. tests/unit/test_tenantctl_startup.py guards this.
"""

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None: its import is an ImportError

import httpx  # noqa: E402

__all__ = ["httpx"]
