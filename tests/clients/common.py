"""What the client checks share: arguments, the list of checks, and how a wrong answer is told.

A check is a function marked with `@check`. It says what it expects with `expect` and
`expect_error`; the first wrong answer ends the run. Nothing is retried and nothing is tolerated
that S3 itself does not do. Everything is written under one new prefix, which is removed at the
end, every version of it.
"""

import argparse
import os
import secrets
import sys
import traceback
import xml.etree.ElementTree as xml

import boto3
import botocore.exceptions
import urllib3
from botocore.config import Config

CHECKS = []


class Wrong(Exception):
    """An answer that S3 would not give."""


def check(function):
    """Puts the function on the list; its name is what the line on the screen says."""
    CHECKS.append(function)
    return function


def expect(what, got, wanted):
    if got != wanted:
        raise Wrong(f"{what}: expected {short(wanted)}, got {short(got)}")


def expect_true(what, condition, got=None):
    if not condition:
        raise Wrong(f"expected {what}, got {short(got)}")


def expect_error(what, call, code, status):
    """The call has to fail with this S3 error code and this HTTP status."""
    try:
        answer = call()
    except botocore.exceptions.ClientError as error:
        got = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
        # An answer to HEAD has no body: the status stands in for the code.
        codes = (code, str(status)) if status in (304, 404, 412) else (code,)
        if got[0] not in codes or got[1] != status:
            raise Wrong(f"{what}: expected {code} ({status}), got {got[0]} ({got[1]})") from None
        return error.response
    raise Wrong(f"{what}: expected {code} ({status}), got success: {short(answer)}")


def expect_http(what, answer, status, code=None):
    """The plain HTTP answer has this status and, for an error, this S3 code in its XML."""
    if answer.status != status:
        raise Wrong(f"{what}: expected {status}, got {answer.status}: {short(answer.data)}")
    if code is not None:
        try:
            got = xml.fromstring(answer.data).findtext("Code")
        except xml.ParseError:
            got = answer.data
        expect(f"{what}, the code in the answer", got, code)


def short(value):
    text = repr(value)
    return text if len(text) < 400 else f"{text[:390]}… ({len(text)} characters)"


class Room:
    """One endpoint, one bucket, and a prefix that belongs to this run."""

    def __init__(self, args):
        self.endpoint = args.endpoint.rstrip("/")
        self.bucket = args.bucket
        self.region = args.region
        self.prefix = f"check-{secrets.token_hex(6)}/"
        self.access_key = os.environ["AWS_ACCESS_KEY_ID"]
        self.secret_key = os.environ["AWS_SECRET_ACCESS_KEY"]
        self.s3 = self.client()
        self.http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(60), num_pools=4)

    def without_checksums(self):
        """A client as those of 2024 and before were: it sends no checksum of its own accord."""
        return self.client(request_checksum_calculation="when_required")

    def client(self, request_checksum_calculation="when_supported", **changes):
        """A client of this endpoint that does not retry, so that nothing is hidden."""
        options = {
            "endpoint_url": self.endpoint,
            "region_name": self.region,
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "config": Config(
                signature_version="s3v4",
                retries={"total_max_attempts": 1},
                max_pool_connections=16,
                request_checksum_calculation=request_checksum_calculation,
                s3={"addressing_style": "path"},
            ),
        }
        return boto3.session.Session().client("s3", **{**options, **changes})

    def key(self, name):
        return self.prefix + name

    def put(self, name, body=b"hello", **more):
        return self.s3.put_object(Bucket=self.bucket, Key=self.key(name), Body=body, **more)

    def get(self, name, **more):
        answer = self.s3.get_object(Bucket=self.bucket, Key=self.key(name), **more)
        answer["Content"] = answer["Body"].read()
        return answer

    def head(self, name, **more):
        return self.s3.head_object(Bucket=self.bucket, Key=self.key(name), **more)

    def delete(self, name, **more):
        return self.s3.delete_object(Bucket=self.bucket, Key=self.key(name), **more)

    def versions(self, prefix):
        """Every version and every delete marker under the prefix, newest first per key."""
        pages = self.s3.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        found, markers = [], []
        for page in pages:
            found += page.get("Versions", [])
            markers += page.get("DeleteMarkers", [])
        return found, markers

    def clean(self):
        """Removes whatever this run has written."""
        found, markers = self.versions(self.prefix)
        names = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in found + markers]
        for start in range(0, len(names), 1000):
            self.s3.delete_objects(
                Bucket=self.bucket, Delete={"Objects": names[start : start + 1000], "Quiet": True}
            )
        uploads = self.s3.list_multipart_uploads(Bucket=self.bucket, Prefix=self.prefix)
        for upload in uploads.get("Uploads", []):
            self.s3.abort_multipart_upload(
                Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
            )


def arguments(about):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--endpoint", required=True, help="for example http://127.0.0.1:8080")
    parser.add_argument("--bucket", required=True, help="it must exist and be versioned")
    parser.add_argument("--region", required=True)
    parser.add_argument("--only", default="", help="names of checks, with commas between")
    parser.add_argument("--skip", default="", help="names of checks, with commas between")
    parser.add_argument("--go-on", action="store_true", help="do not stop at a wrong answer")
    args = parser.parse_args()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        if not os.environ.get(name):
            parser.error(f"{name} is not set")
    known = {function.__name__ for function in CHECKS}
    args.only = {name for name in args.only.split(",") if name}
    args.skip = {name for name in args.skip.split(",") if name}
    for name in (args.only | args.skip) - known:
        parser.error(f"no check is called {name}; there are: {', '.join(sorted(known))}")
    return args


def run(about, room_type=Room):
    """Runs the checks in order; ends the program with 0 or, at the first wrong answer, 1."""
    args = arguments(about)
    room = room_type(args)
    done, wrong = 0, []
    for function in CHECKS:
        name = function.__name__
        if name in args.skip or (args.only and name not in args.only):
            continue
        done += 1
        try:
            function(room)
            print(f"ok {name}", flush=True)
            continue
        except Wrong as answer:
            print(f"WRONG {name}: {answer}", flush=True)
        except Exception as error:
            print(f"WRONG {name}: expected an answer, got {type(error).__name__}: {error}")
            traceback.print_exc()
        wrong.append(name)
        if not args.go_on:
            sys.exit(1)
    room.clean()
    print(f"{done} checks, {len(wrong)} of them wrong" if wrong else f"{done} checks, all right")
    sys.exit(1 if wrong else 0)
