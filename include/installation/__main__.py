"""`python -m installation secrets | settings | init`: what docker-compose.yaml needs (docs/integrating/compose.md)."""

import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[2]
SETTINGS: Final = PROJECT / "compose" / "airflow.env"


def main(arguments: list[str]) -> str:
    """Reports what was done, or the usage."""
    match arguments:
        case ["secrets"]:
            return _secrets()
        case ["settings"]:
            return _settings()
        case ["init"]:
            return _init()
    sys.exit(__doc__)


def _secrets() -> str:
    from installation.secret_files import make  # each command needs other modules

    made = make(PROJECT / "compose" / "secrets", PROJECT / ".env")
    names = ", ".join(path.name for path in made) or "nothing: they are all there"
    return f"Made in compose/secrets: {names}."


def _settings() -> str:
    from installation.settings import as_env_file

    SETTINGS.write_text(as_env_file())
    return f"Written: {SETTINGS.relative_to(PROJECT)}."


def _init() -> str:
    from installation.compose import Installation, install

    install(Installation())
    return "Everything is prepared."


if __name__ == "__main__":
    print(main(sys.argv[1:]))
