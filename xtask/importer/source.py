"""Where the source comes from: a directory, a wheel, or a version that `pip download` finds."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

PACKAGE = "databricks-sdk"


class SourceError(Exception):
    """The source cannot be had or is something else."""


def unpack(source: str, scratch: Path) -> Path:
    """The `databricks/sdk` directory of `source`; `scratch` is an empty directory to work in.

    * source: a directory that holds `databricks/sdk`, the path of a wheel, or a version such as `0.162.0`.
    """
    path = Path(source)
    if path.is_dir():
        found = [p for p in (path, path / "databricks" / "sdk") if (p / "service").is_dir()]
        if not found:
            raise SourceError(f"{source} does not hold databricks/sdk/service")
        return found[0]
    if not path.is_file():
        if not re.fullmatch(r"\d+(\.\d+)+", source):
            raise SourceError(f"{source} is neither a file, a directory nor a version such as 0.162.0")
        path = download(source, scratch)
    if not zipfile.is_zipfile(path):
        raise SourceError(f"{path} is not a wheel")
    with zipfile.ZipFile(path) as wheel:
        wheel.extractall(scratch / "unpacked")
    return unpack(str(scratch / "unpacked"), scratch)


def download(version: str, scratch: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", f"{PACKAGE}=={version}", "--no-deps", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(scratch)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no wheel was downloaded"])[-1]
        raise SourceError(f"{PACKAGE} {version} cannot be downloaded: {reason}")
    return wheels[0]
