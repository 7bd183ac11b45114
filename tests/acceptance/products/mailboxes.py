"""The mailboxes that the documentation's container activity makes, and a hold on its Jobs."""

from pathlib import Path

_HOLD = """
import time
if given["verb"] == "run":
    (store.parent / f"started-{given['tenant']['slug']}").touch()
    while (store.parent / f"held-{given['tenant']['slug']}").exists():
        time.sleep(0.05)
"""


class Mailboxes:
    """The folder of the mailboxes. `program` is what stands for the activity's image."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.store = folder, folder / "mailboxes"
        self.store.mkdir()

    @staticmethod
    def program(text: str) -> str:
        """The documentation's program, which waits in `run` while its tenant is held."""
        before, after = text.split('\nif given["verb"] == "discover":')
        return f'{before}{_HOLD}\nif given["verb"] == "discover":{after}'

    def hold(self, slug: str) -> Path:
        """The Job of this tenant does not end before the returned file is removed."""
        held = self._folder / f"held-{slug}"
        held.touch()
        return held

    def has_begun(self, slug: str) -> bool:
        return (self._folder / f"started-{slug}").exists()

    @property
    def names(self) -> list[str]:
        return sorted(each.name for each in self.store.iterdir())
