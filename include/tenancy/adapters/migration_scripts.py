"""What alembic finds in a folder of migrations. For the check of a product: it imports the scripts."""

from pathlib import Path

from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError


def find_heads(folder: Path) -> list[str]:
    """The heads of the scripts; PermanentError when a script cannot be loaded or names a revision that is not there."""
    import alembic.config  # takes as long as the rest of a task's start
    from alembic.script import ScriptDirectory

    config = alembic.config.Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    try:
        return list(ScriptDirectory.from_config(config).get_heads())
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise PermanentError(f"alembic cannot load the scripts: {reason}", cause=Cause.SCHEMA_MIGRATION) from error
