"""Checks an S3 endpoint with the AWS command line: `aws s3` and `aws s3api`.

    AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… \\
        python tests/clients/aws_check.py --endpoint URL --bucket B --region R

`aws` is the one that stands beside the Python that runs this. It sees no configuration but what
is given here.
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from botocore.config import Config

from common import Room, Wrong, check, expect, expect_http, expect_true, run

MIB = 1024 * 1024


class Line(Room):
    """The room, reached through the command line."""

    def __init__(self, args):
        super().__init__(args)
        self.folder = tempfile.TemporaryDirectory(prefix="aws-check-")
        self.home = pathlib.Path(self.folder.name)
        self.program = pathlib.Path(sys.executable).parent / "aws"
        # Against an endpoint that is not Amazon's own, `aws s3 presign` signs with Version 2 in
        # us-east-1 unless it is told otherwise.
        config = self.file("config", b"[default]\ns3 =\n    signature_version = s3v4\n")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "AWS_CONFIG_FILE": str(config),
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "LC_ALL": "C.UTF-8",
        }
        if bundle := os.environ.get("AWS_CA_BUNDLE"):
            self.environment["AWS_CA_BUNDLE"] = bundle

    def aws(self, *words, ok=True):
        """Runs `aws` and gives what it printed; it has to succeed, or, with `ok` off, to fail."""
        done = subprocess.run(
            [self.program, "--endpoint-url", self.endpoint, *map(str, words)],
            env=self.environment, capture_output=True, text=True, timeout=300, check=False,
        )
        if ok and done.returncode != 0:
            raise Wrong(f"aws {words}: expected success, got {done.returncode}: {done.stderr}")
        if not ok:
            expect_true(f"aws {words} to fail", done.returncode != 0, done.stdout)
            return done.stderr
        return done.stdout

    def api(self, operation, *words):
        out = self.aws("s3api", operation, "--bucket", self.bucket, *words, "--output", "json")
        return json.loads(out) if out.strip() else {}

    def uri(self, name=""):
        return f"s3://{self.bucket}/{self.key(name)}"

    def file(self, name, data):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        # S3 keeps whole seconds: a file of this very second would seem newer than its copy.
        minute_ago = path.stat().st_mtime - 60
        os.utime(path, (minute_ago, minute_ago))
        return path


@check
def cp_small(line):
    path = line.file("letter ü.pdf", b"%PDF-1.7 small")
    line.aws("s3", "cp", "--no-progress", path, line.uri("cp/letter ü.pdf"))
    head = line.api("head-object", "--key", line.key("cp/letter ü.pdf"))
    expect("length", head["ContentLength"], len(path.read_bytes()))
    expect("type", head["ContentType"], "application/pdf")
    back = line.home / "back.pdf"
    line.aws("s3", "cp", "--no-progress", line.uri("cp/letter ü.pdf"), back)
    expect("bytes", back.read_bytes(), path.read_bytes())
    line.aws("s3", "cp", "--no-progress", line.uri("cp/letter ü.pdf"), line.uri("cp/copy.pdf"))
    expect("copy", line.aws("s3", "cp", line.uri("cp/copy.pdf"), "-"), "%PDF-1.7 small")


@check
def cp_multipart(line):
    path = line.file("large.bin", random.Random(30).randbytes(30 * MIB))
    line.aws("s3", "cp", "--no-progress", path, line.uri("cp/large.bin"))
    head = line.api("head-object", "--key", line.key("cp/large.bin"))
    expect("length", head["ContentLength"], 30 * MIB)
    # The command line cuts into parts of 8 MiB.
    expect_true("an ETag of 4 parts", head["ETag"].endswith('-4"'), head["ETag"])
    back = line.home / "back.bin"
    line.aws("s3", "cp", "--no-progress", line.uri("cp/large.bin"), back)
    expect_true("the same bytes", back.read_bytes() == path.read_bytes())


@check
def cp_missing(line):
    told = line.aws("s3", "cp", line.uri("not-there"), "-", ok=False)
    expect_true("a 404", "404" in told, told)


@check
def ls(line):
    for name in ("a.txt", "sub/b.txt", "sub/deep/c.txt"):
        line.put(f"ls/{name}", b"12345")
    top = line.aws("s3", "ls", line.uri("ls/")).split()
    expect_true("a folder and a file", {"PRE", "sub/", "a.txt"} <= set(top), top)
    expect_true("nothing from deeper", "b.txt" not in top, top)
    deep = line.aws("s3", "ls", "--recursive", "--summarize", line.uri("ls/"))
    for name in ("a.txt", "sub/b.txt", "sub/deep/c.txt"):
        expect_true(name, f"{line.prefix}ls/{name}" in deep, deep)
    expect_true("the count", "Total Objects: 3" in deep, deep)
    expect_true("the size", "Total Size: 15" in deep, deep)
    expect_true("the bucket", line.bucket in line.aws("s3", "ls"), line.aws("s3", "ls"))


@check
def sync(line):
    for number in range(12):
        line.file(f"tree/{number % 3}/file {number}.txt", b"x" * (number + 1))
    tree = line.home / "tree"
    line.aws("s3", "sync", "--no-progress", tree, line.uri("sync/"))
    keys = line.api("list-objects-v2", "--prefix", line.key("sync/"))["Contents"]
    expect("files", len(keys), 12)
    again = line.aws("s3", "sync", "--no-progress", tree, line.uri("sync/"))
    expect("nothing to do", again, "")
    (tree / "0" / "file 0.txt").unlink()
    line.file("tree/1/file 1.txt", b"longer than before")
    told = line.aws("s3", "sync", "--no-progress", "--delete", tree, line.uri("sync/"))
    lines = sorted(word.split(":")[0] for word in told.strip().splitlines())
    expect("one up, one away", lines, ["delete", "upload"])
    other = line.home / "other"
    line.aws("s3", "sync", "--no-progress", line.uri("sync/"), other)
    for path in tree.rglob("*.txt"):
        same = (other / path.relative_to(tree)).read_bytes() == path.read_bytes()
        expect_true(f"{path.name} to come back", same)
    expect("as many", len(list(other.rglob("*.txt"))), 11)


@check
def rm(line):
    for name in ("one", "two", "sub/three"):
        line.put(f"rm/{name}", b"x")
    line.aws("s3", "rm", line.uri("rm/one"))
    left = line.api("list-objects-v2", "--prefix", line.key("rm/"))["Contents"]
    expect("left", [o["Key"] for o in left], [line.key("rm/sub/three"), line.key("rm/two")])
    line.aws("s3", "rm", "--recursive", line.uri("rm/"))
    left = line.api("list-objects-v2", "--prefix", line.key("rm/"))
    expect("left", left.get("Contents", []), [])


@check
def mv(line):
    line.put("mv/from", b"moved")
    line.aws("s3", "mv", "--no-progress", line.uri("mv/from"), line.uri("mv/to"))
    expect("bytes", line.get("mv/to")["Content"], b"moved")
    told = line.aws(
        "s3api", "head-object", "--bucket", line.bucket, "--key", line.key("mv/from"), ok=False
    )
    expect_true("a 404", "404" in told, told)


@check
def presign(line):
    line.put("presign me.txt", b"signed")
    link = line.aws("s3", "presign", line.uri("presign me.txt"), "--expires-in", 60).strip()
    got = line.http.request("GET", link)
    expect_http("get", got, 200)
    expect("bytes", got.data, b"signed")


@check
def presign_version_2(line):
    """S3 refuses Version 2 everywhere but in its oldest regions, and so with these words."""
    line.put("presign old.txt", b"signed")
    signer = line.client(config=Config(signature_version="s3", s3={"addressing_style": "path"}))
    named = {"Bucket": line.bucket, "Key": line.key("presign old.txt")}
    link = signer.generate_presigned_url("get_object", Params=named, ExpiresIn=60)
    expect_true("a URL of Version 2", "AWSAccessKeyId=" in link and "X-Amz-" not in link, link)
    refused = line.http.request("GET", link)
    expect_http("get", refused, 400, "InvalidRequest")
    expect_true("what to use", b"AWS4-HMAC-SHA256" in refused.data, refused.data)


@check
def api_put_head_get(line):
    path = line.file("api.txt", b"by the API")
    put = line.api(
        "put-object", "--key", line.key("api.txt"), "--body", path, "--content-type",
        "text/plain", "--metadata", "made=here", "--checksum-algorithm", "SHA256",
    )
    expect_true("a checksum", put.get("ChecksumSHA256"), put)
    head = line.api("head-object", "--key", line.key("api.txt"), "--checksum-mode", "ENABLED")
    expect("checksum", head.get("ChecksumSHA256"), put["ChecksumSHA256"])
    expect("metadata", head["Metadata"], {"made": "here"})
    expect("type", head["ContentType"], "text/plain")
    back = line.home / "part.txt"
    got = line.api("get-object", "--key", line.key("api.txt"), "--range", "bytes=0-1", back)
    expect("range", (got["ContentRange"], back.read_bytes()), ("bytes 0-1/10", b"by"))
    taken = line.aws(
        "s3api", "put-object", "--bucket", line.bucket, "--key", line.key("api.txt"),
        "--body", path, "--if-none-match", "*", ok=False,
    )
    expect_true("PreconditionFailed", "PreconditionFailed" in taken, taken)


@check
def api_versions(line):
    ids = [line.put("api-versions", body)["VersionId"] for body in (b"1", b"22")]
    found = line.api("list-object-versions", "--prefix", line.key("api-versions"))["Versions"]
    expect("versions", [v["VersionId"] for v in found], ids[::-1])
    back = line.home / "old"
    line.api("get-object", "--key", line.key("api-versions"), "--version-id", ids[0], back)
    expect("the old one", back.read_bytes(), b"1")


if __name__ == "__main__":
    run(__doc__, Line)
