"""Installs the example package into a folder, so that this environment stays as it is."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from sandbox.layout import PROJECT

_UV: Final = Path(sys.executable).parent / "uv"


def install_s3_bucket(folder: Path) -> Path:
    """The folder that belongs on the path. From a copy: a build leaves files behind."""
    source = shutil.copytree(PROJECT / "examples" / "s3-bucket", folder / "source")
    words = [_UV, "pip", "install", "--quiet", "--no-deps", "--target", folder / "installed", source]
    subprocess.run([str(word) for word in words], check=True)
    return folder / "installed"
