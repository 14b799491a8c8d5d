"""Checks an S3 endpoint with rclone, which trusts nothing: it compares hashes and times.

    AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… \\
        python tests/clients/rclone_check.py --endpoint URL --bucket B --region R

rclone is configured by its environment and its flags alone; no file of the machine is read.
"""

import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile

from common import Room, Wrong, check, expect, expect_true, run

MIB = 1024 * 1024
FLAGS = (
    "--config=",
    "--s3-env-auth=false",
    "--s3-no-check-bucket",
    "--s3-chunk-size=5Mi",
    "--s3-upload-cutoff=5Mi",
    "--retries=1",
    "--low-level-retries=1",
)


class Clone(Room):
    """The room, reached through rclone."""

    def __init__(self, args):
        super().__init__(args)
        self.program = shutil.which("rclone")
        if self.program is None:
            raise SystemExit("rclone is not installed")
        self.folder = tempfile.TemporaryDirectory(prefix="rclone-check-")
        self.home = pathlib.Path(self.folder.name)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "RCLONE_S3_PROVIDER": "Other",
            "RCLONE_S3_ENDPOINT": self.endpoint,
            "RCLONE_S3_REGION": self.region,
            "RCLONE_S3_ACCESS_KEY_ID": self.access_key,
            "RCLONE_S3_SECRET_ACCESS_KEY": self.secret_key,
            "LC_ALL": "C.UTF-8",
        }
        if bundle := os.environ.get("AWS_CA_BUNDLE"):
            self.environment["RCLONE_CA_CERT"] = bundle

    def rclone(self, *words, ok=True, given=None):
        """Runs rclone and gives its bytes; it has to succeed, or, with `ok` off, to fail."""
        done = subprocess.run(
            [self.program, *FLAGS, *map(str, words)],
            env=self.environment, capture_output=True, input=given, timeout=300, check=False,
        )
        told = done.stderr.decode()
        if ok and done.returncode != 0:
            raise Wrong(f"rclone {words}: expected success, got {done.returncode}: {told}")
        if not ok:
            expect_true(f"rclone {words} to fail", done.returncode != 0, done.stdout)
            return told
        return done.stdout

    def at(self, name=""):
        return f":s3:{self.bucket}/{self.key(name)}"

    def tree(self):
        """A folder with odd names and one file of several parts."""
        folder = self.home / "tree"
        files = {
            "letter.pdf": b"%PDF-1.7",
            "sub/with space + plus.txt": b"odd",
            "sub/ünïcödé 文件.txt": b"wide",
            "100% sure.csv": b"a,b\n",
            "empty.txt": b"",
            "film.dcm": random.Random(7).randbytes(12 * MIB + 7),
        }
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder, files


@check
def copy_and_check(clone):
    folder, files = clone.tree()
    clone.rclone("copy", folder, clone.at("tree"))
    clone.rclone("check", folder, clone.at("tree"))
    clone.rclone("check", "--download", folder, clone.at("tree"))
    again = clone.rclone("copy", "--stats-one-line", "-v", "--dry-run", folder, clone.at("tree"))
    expect("nothing to do", again, b"")
    back = clone.home / "back"
    clone.rclone("copy", clone.at("tree"), back)
    for name, data in files.items():
        expect_true(f"{name} to come back", (back / name).read_bytes() == data)
        here, there = (folder / name).stat().st_mtime, (back / name).stat().st_mtime
        expect_true(f"the time of {name}", abs(here - there) < 1, (here, there))


@check
def check_finds_a_difference(clone):
    folder, _ = clone.tree()
    clone.rclone("copy", folder, clone.at("differs"))
    clone.put("differs/letter.pdf", b"%PDF-1.6")
    told = clone.rclone("check", "--download", folder, clone.at("differs"), ok=False)
    expect_true("one difference", "1 differences found" in told, told)


@check
def lsjson(clone):
    folder, files = clone.tree()
    clone.rclone("copy", folder, clone.at("listed"))
    listed = json.loads(clone.rclone("lsjson", "-R", clone.at("listed")))
    sizes = {entry["Path"]: entry["Size"] for entry in listed if not entry["IsDir"]}
    expect("files and sizes", sizes, {name: len(data) for name, data in files.items()})
    expect("folders", [entry["Path"] for entry in listed if entry["IsDir"]], ["sub"])
    types = {entry["Path"]: entry["MimeType"] for entry in listed if not entry["IsDir"]}
    expect("type", types["letter.pdf"], "application/pdf")


@check
def cat_a_range(clone):
    data = random.Random(8).randbytes(100_000)
    clone.put("cat.bin", data)
    at = clone.at("cat.bin")
    expect("whole", clone.rclone("cat", at), data)
    expect("a part", clone.rclone("cat", "--offset", 70_000, "--count", 99, at), data[70_000:70_099])
    expect("the tail", clone.rclone("cat", "--offset", -7, at), data[-7:])
    expect("the head", clone.rclone("cat", "--head", 5, at), data[:5])


@check
def server_side_copy_and_move(clone):
    clone.put("moved/from.txt", b"moved")
    clone.rclone("copyto", clone.at("moved/from.txt"), clone.at("moved/copy + 1.txt"))
    clone.rclone("moveto", clone.at("moved/from.txt"), clone.at("moved/to.txt"))
    names = clone.rclone("lsf", clone.at("moved")).decode().split("\n")
    expect("names", names, ["copy + 1.txt", "to.txt", ""])


@check
def streamed_upload(clone):
    data = random.Random(9).randbytes(6 * MIB)
    clone.rclone("rcat", clone.at("stream.bin"), given=data)
    expect_true("the same bytes", clone.get("stream.bin")["Content"] == data)


@check
def delete(clone):
    folder, _ = clone.tree()
    clone.rclone("copy", folder, clone.at("gone"))
    clone.rclone("deletefile", clone.at("gone/letter.pdf"))
    clone.rclone("delete", "--include", "*.txt", clone.at("gone"))
    left = clone.rclone("lsf", "-R", "--files-only", clone.at("gone")).decode().split()
    expect("left", left, ["100%", "sure.csv", "film.dcm"])
    clone.rclone("purge", clone.at("gone"))
    left = clone.s3.list_objects_v2(Bucket=clone.bucket, Prefix=clone.key("gone/"))
    expect("nothing left", left["KeyCount"], 0)


@check
def old_versions(clone):
    clone.put("version.txt", b"one")
    clone.put("version.txt", b"two!")
    listed = json.loads(clone.rclone("lsjson", "--s3-versions", clone.at("")))
    sizes = sorted(e["Size"] for e in listed if e["Name"].startswith("version"))
    expect("both", sizes, [3, 4])


@check
def wrong_secret(clone):
    clone.environment["RCLONE_S3_SECRET_ACCESS_KEY"] = "not the secret"
    try:
        told = clone.rclone("lsf", clone.at(""), ok=False)
        expect_true("SignatureDoesNotMatch", "SignatureDoesNotMatch" in told, told)
    finally:
        clone.environment["RCLONE_S3_SECRET_ACCESS_KEY"] = clone.secret_key


if __name__ == "__main__":
    run(__doc__, Clone)
