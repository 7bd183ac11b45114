"""`python -m sandbox`; says in a sentence when the virtual environment is not complete."""

import sys

try:
    from sandbox.cli import main
except ModuleNotFoundError as error:
    sys.exit(f"sandbox: this Python lacks the module {error.name}; run `make install` and use its virtual environment.")

sys.exit(main())
