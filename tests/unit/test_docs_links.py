"""What README, CHANGELOG, CONTRIBUTING and docs/ name exists: links, headings, images, source files, make targets.

`make docs` checks the pages of the site; this test needs no site, and knows images and files outside docs/, too.
"""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted({*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")})
_FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_SCHEME = re.compile(r"^[a-z]+:")


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors that a forge makes of the headings; a repeated heading gets a number."""
    found: set[str] = set()
    for heading in _HEADING.findall(_prose(page)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = sum(1 for each in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", each))
        found.add(f"{slug}-{number}" if number else slug)
    return found


def broken_links(page: Path) -> list[str]:
    """The links of this page that lead nowhere in the repository."""
    broken = []
    for link in _LINK.findall(_CODE.sub("", _prose(page))):
        if _SCHEME.match(link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_each_relative_link_leads_to_a_file_and_a_heading(page: Path):
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path):
    (tmp_path / "other.md").write_text("# Other\n\n## A `heading`, twice\n\n## A heading, twice\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n[good](other.md#a-heading-twice) [second](other.md#a-heading-twice-1) [self](#page)\n"
        "[bad](none.md) [worse](other.md#none) ![image](none.png) [web](https://example.com/none.md)\n"
        "`[code](none.md)`\n\n```\n[fenced](none.md)\n```\n"
    )
    assert broken_links(page) == ["none.md", "other.md#none", "none.png"]


_FILE = re.compile(r"`([\w./-]+\.(?:py|toml|sql|ya?ml|sh|env|css|js))`")
_TARGET = re.compile(r"(?:`|^)make ([a-z][a-z-]+)", re.MULTILINE)
_YOURS = {
    "docker-compose.override.yaml",
    "include/tenancy/activities/create_bucket.py",
    "my-platform.toml",
    "products/sample/mailbox.py",
    "sandbox.toml",
}
"""Files that readers make themselves."""
_YOUR_PRODUCT = "products/crm/"
"""The product that readers make themselves (tests/documentation/test_your_product.py has it)."""
_GUIDES = [page for page in PAGES if page.name != "CHANGELOG.md"]  # it tells of the past


def _sources() -> set[str]:
    skipped = {".git", ".venv", ".venv-docs", ".site", ".cache", "node_modules"}
    folders = [each for each in PROJECT.iterdir() if each.is_dir() and each.name not in skipped]
    nested = (file for folder in folders if not folder.name.startswith(".sandbox") for file in folder.rglob("*"))
    return {f"/{file.relative_to(PROJECT)}" for file in [*PROJECT.iterdir(), *nested] if file.is_file()}


def test_each_source_file_and_make_target_that_a_page_names_exists():
    sources = _sources()
    targets = set(re.findall(r"^([a-z][a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    missing = {
        f"{page.relative_to(PROJECT)}: {name}"
        for page in _GUIDES
        for name in _FILE.findall(_prose(page))
        if name not in _YOURS
        and not name.startswith(_YOUR_PRODUCT)
        and not any(file.endswith(f"/{name.lstrip('./')}") for file in sources)
    }
    missing |= {
        f"{page.relative_to(PROJECT)}: make {target}"
        for page in _GUIDES
        for target in _TARGET.findall(page.read_text(encoding="utf-8"))
        if target not in targets
    }
    assert missing == set()


_REFERENCE = re.compile(r"\bdocs/[a-z0-9/-]+\.(?:md|yml)\b")
_SOURCES = ("include", "dags", "plugins", "tests", "compose", "charts", "Makefile", "docker-compose.yaml")


def _source_files() -> list[Path]:
    found = [PROJECT / name for name in _SOURCES]
    files = [file for each in found for file in (each.rglob("*") if each.is_dir() else [each])]
    texts = {".py", ".toml", ".yaml", ".yml", ".md", ".sql", ".html", ".js", ".env", ""}
    return [file for file in files if file.is_file() and file.suffix in texts and "__pycache__" not in file.parts]


def test_each_page_that_code_names_exists():
    missing = {
        f"{file.relative_to(PROJECT)}: {name}"
        for file in _source_files()
        if "chaos-results" not in file.name
        for name in _REFERENCE.findall(file.read_text(encoding="utf-8", errors="ignore"))
        if not (PROJECT / name).exists() and "https://" not in name
    }
    assert missing == set()
