"""httpx without its command line, which it imports where click and rich are installed (0.28.1).

That command line is two thirds of its import time. tests/unit/test_tenantctl_startup.py sees that it stays away.
"""

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None: its import is an ImportError

import httpx  # noqa: E402

__all__ = ["httpx"]
