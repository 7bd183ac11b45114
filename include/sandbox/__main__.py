"""`python -m sandbox`. It reports an incomplete virtual environment in one sentence."""

import sys

try:
    from sandbox.cli import main
except ModuleNotFoundError as error:
    sys.exit(f"sandbox: this Python lacks the module {error.name}; run `make install` and use its virtual environment.")

sys.exit(main())
