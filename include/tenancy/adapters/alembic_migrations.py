"""Migrations that are alembic scripts: a folder with env.py and versions/. schema_migrations.py runs them."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tenancy.adapters.migrations import Migrations
from tenancy.adapters.product_error import product_error
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, ProductFileError

if TYPE_CHECKING:
    from tenancy.adapters.sessions import Session

ENTRY: Final = "env.py"
"""alembic calls this file. A folder that has it is alembic's."""
VERSION_TABLE: Final = "alembic_version"
_RECORDED: Final = "select pg_catalog.left(pg_catalog.max(version_num)::pg_catalog.text, 64) as version from {}"
"""What the table returns is the tenant's to choose: no more of it is read than we need."""
_AS_LITERALS: Final = "must state `revision` and `down_revision` as literals"


class AlembicMigrations(Migrations):
    """The one head of the scripts is the newest version."""

    def newest(self) -> str:
        """The head.

        Read without alembic, whose import would take a tenth of the first task's start: the scripts are not run, so
        `revision` and `down_revision` must be literals (`problems` compares the result with alembic's own).
        """
        links = [self._links(script) for script in sorted((self.folder / "versions").glob("*.py"))]
        before = {name for _, down in links for name in down}
        heads = [revision for revision, _ in links if revision not in before]
        if len(heads) != 1:
            raise self._error(f"must have one head, and there are {len(heads)} ({', '.join(heads) or 'no scripts'})")
        return heads[0]

    def problems(self) -> Iterator[str]:
        name = self.folder.name
        try:
            heads = _find_heads(self.folder)
        except PermanentError as error:
            yield f"{name}: {error}"
            return
        if len(heads) != 1:
            yield f"{name}: must have one head, and alembic finds {len(heads)} ({', '.join(heads) or 'no scripts'})"
            return
        try:
            read = self.newest()
        except ProductFileError as error:
            yield from error.problems
            return
        if read != heads[0]:
            yield f"{name}: alembic finds the head {heads[0]} and we read {read}: state the revisions as literals"

    def apply(self, session: "Session", *, schema: str, target: str, then: Callable[[], None]) -> None:
        from tenancy.adapters.schema_migrations import apply_revisions

        apply_revisions(session, self.folder, schema=schema, target=target, then=then)

    @staticmethod
    def recorded_version(session: "Session", schema: str) -> str | None:
        from psycopg import errors, sql

        try:
            row = session.execute(sql.SQL(_RECORDED).format(sql.Identifier(schema, VERSION_TABLE))).fetchone()
        except errors.UndefinedTable:
            return None
        return row["version"] if row else None

    def _links(self, script: Path) -> tuple[str, tuple[str, ...]]:
        """A script's revision and those that come right before it."""
        try:
            stated = dict(_literals(ast.parse(script.read_text(encoding="utf-8"))))
            revision, down = stated["revision"], stated.get("down_revision")
        except (OSError, SyntaxError, ValueError, KeyError) as error:
            raise self._error(_AS_LITERALS, script.name) from error
        return str(revision), tuple(down) if isinstance(down, tuple | list) else (str(down),) if down else ()

    def _error(self, problem: str, script: str = "") -> ProductFileError:
        place = "/".join(filter(None, (self.folder.name, "versions", script)))
        return product_error(self.folder.parent, [f"{place}: {problem}"])


def _literals(module: ast.Module) -> Iterator[tuple[str, Any]]:
    for statement in module.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        if name in {"revision", "down_revision"}:
            yield name, ast.literal_eval(value)


def _find_heads(folder: Path) -> list[str]:
    """The heads that alembic finds; PermanentError when it cannot import a script or misses a revision."""
    import alembic.config  # takes as long as the rest of a task's start
    from alembic.script import ScriptDirectory

    config = alembic.config.Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    try:
        return list(ScriptDirectory.from_config(config).get_heads())
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise PermanentError(f"alembic cannot load the scripts: {reason}", cause=Cause.SCHEMA_MIGRATION) from error
