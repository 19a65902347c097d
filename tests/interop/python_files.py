"""Files of volumes by the official Python SDK on the local workspace, and by this project's on the same ones.

Reads DATABRICKS_HOST and DATABRICKS_TOKEN, and in FILES_EXAMPLE the path of the built example `files` of the crate
databricks-sdk. Fails with a traceback at the first difference.
"""

import hashlib
import io
import json
import os
import random
import subprocess
import tempfile
import urllib.request

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import AlreadyExists, NotFound

MIB = 1 << 20
ROOT = "/Volumes/main/default/data/interop files"
ONE, STREAM, OURS = f"{ROOT}/one ü.bin", f"{ROOT}/deeper/stream.bin", f"{ROOT}/ours.bin"


def check(what, holds):
    if not holds:
        raise AssertionError(what)
    print("ok  ", what)


def ours(*arguments):
    done = subprocess.run([os.environ["FILES_EXAMPLE"], *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"files {arguments[0]}: {done.stderr or done.stdout}")
    return done.stdout


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Pipe(io.RawIOBase):
    """Content that can be read once, and whose length is not known."""

    def __init__(self, content):
        self.content = io.BytesIO(content)

    def readable(self):
        return True

    def seekable(self):
        return False

    def readinto(self, buffer):
        return self.content.readinto(buffer)


def parts_so_far():
    """How many parts went to storage through links."""
    host, token = os.environ["DATABRICKS_HOST"], os.environ["DATABRICKS_TOKEN"]
    request = urllib.request.Request(f"{host}/local/requests", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as response:
        seen = json.load(response)["requests"]
    return sum(r["method"] == "PUT" and r["path"].startswith("/storage/parts/") for r in seen)


def main():
    w = WorkspaceClient()
    content = random.Random(7).randbytes(100 * MIB)
    wanted = hashlib.sha256(content).hexdigest()
    with tempfile.TemporaryDirectory() as directory:
        here, back = os.path.join(directory, "here"), os.path.join(directory, "back")
        with open(here, "wb") as file:
            file.write(content)

        w.files.upload(ONE, io.BytesIO(content), overwrite=True)
        check("100 MiB are uploaded in ten parts through links", parts_so_far() == 10)
        try:
            w.files.upload(ONE, io.BytesIO(content), overwrite=False)
        except AlreadyExists:
            check("what is there is not replaced unless asked to", True)
        else:
            raise AssertionError("an existing file was replaced")
        w.files.upload(STREAM, io.BufferedReader(Pipe(content[: 60 * MIB])), overwrite=True)
        check("a stream of unknown length is uploaded", w.files.get_metadata(STREAM).content_length == 60 * MIB)
        w.files.upload_from(f"{ROOT}/from file", here, overwrite=True)

        listed = {entry.path: entry for entry in w.files.list_directory_contents(ROOT)}
        check("the directory is listed", listed[ONE].file_size == 100 * MIB and listed[f"{ROOT}/deeper"].is_directory)
        check("the file is described", w.files.get_metadata(ONE).content_length == 100 * MIB)
        with w.files.download(ONE).contents as body:
            check("100 MiB are downloaded", hashlib.sha256(body.read()).hexdigest() == wanted)
        w.files.download_to(f"{ROOT}/from file", back, overwrite=True, use_parallel=True)
        check("ranges are downloaded at the same time", digest(back) == wanted)

        os.remove(back)
        ours("down", ONE, back)
        check("our SDK reads what the Python SDK wrote", digest(back) == wanted)
        check("our SDK lists the same files", all(path in ours("list", ROOT) for path in (ONE, STREAM)))
        check("our SDK uploads in parts", "in 10 parts" in ours("up", here, OURS))
        with w.files.download(OURS).contents as body:
            check("the Python SDK reads what ours wrote", hashlib.sha256(body.read()).hexdigest() == wanted)

    for path in (ONE, STREAM, OURS, f"{ROOT}/from file"):
        w.files.delete(path)
    w.files.delete_directory(f"{ROOT}/deeper")
    w.files.delete_directory(ROOT)
    try:
        w.files.get_directory_metadata(ROOT)
    except NotFound:
        check("what was deleted is gone", True)
    else:
        raise AssertionError("the directory is still there")


if __name__ == "__main__":
    main()
