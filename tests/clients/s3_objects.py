"""One object after another: put, get, head, ranges, conditions, versions, copies, odd names."""

import hashlib
import re
from datetime import datetime, timedelta, timezone

from common import check, expect, expect_error, expect_http, expect_true

BODY = bytes(range(256)) * 40


def expect_etag(answer, body):
    """An ETag that looks like an MD5 has to be one: rclone and others take it for that."""
    etag = answer["ETag"]
    expect_true("an ETag in double quotes", re.fullmatch(r'"[^"]+"', etag), etag)
    looks_like_md5 = re.fullmatch(r'"[0-9a-f]{32}"', etag)
    if looks_like_md5 and answer.get("ServerSideEncryption") != "aws:kms":
        expect("the MD5 in the ETag", etag.strip('"'), hashlib.md5(body).hexdigest())


@check
def bucket_exists_and_is_versioned(room):
    room.s3.head_bucket(Bucket=room.bucket)
    status = room.s3.get_bucket_versioning(Bucket=room.bucket).get("Status")
    expect("the bucket's versioning", status, "Enabled")
    names = [bucket["Name"] for bucket in room.s3.list_buckets()["Buckets"]]
    expect_true(f"{room.bucket} among the buckets", room.bucket in names, names)
    expect_error(
        "a bucket that is not there",
        lambda: room.s3.list_objects_v2(Bucket=f"{room.bucket}-is-not-there"),
        "NoSuchBucket",
        404,
    )


@check
def bucket_location_is_the_region(room):
    place = room.s3.get_bucket_location(Bucket=room.bucket)["LocationConstraint"]
    # For us-east-1 S3 answers with an empty element.
    expect("the bucket's location", place or "us-east-1", room.region)


@check
def put_get_head(room):
    before = datetime.now(timezone.utc) - timedelta(minutes=5)
    stored = room.put("plain.bin", BODY, ContentType="application/x-check")
    expect_etag(stored, BODY)
    expect_true("a version id", stored.get("VersionId") not in (None, "", "null"), stored)
    got = room.get("plain.bin")
    expect("the bytes", got["Content"], BODY)
    for answer, name in ((got, "get"), (room.head("plain.bin"), "head")):
        expect(f"{name}: content type", answer["ContentType"], "application/x-check")
        expect(f"{name}: length", answer["ContentLength"], len(BODY))
        expect(f"{name}: ETag", answer["ETag"], stored["ETag"])
        expect(f"{name}: version", answer["VersionId"], stored["VersionId"])
        expect(f"{name}: Accept-Ranges", answer["AcceptRanges"], "bytes")
        after = datetime.now(timezone.utc) + timedelta(minutes=5)
        expect_true("a recent Last-Modified", before < answer["LastModified"] < after, answer)


@check
def empty_object(room):
    room.put("empty", b"")
    expect("the bytes", room.get("empty")["Content"], b"")
    expect("the length", room.head("empty")["ContentLength"], 0)


@check
def default_content_type(room):
    room.put("untyped", b"x")
    expect("the type", room.head("untyped")["ContentType"], "binary/octet-stream")


@check
def missing_key(room):
    expect_error("get", lambda: room.get("no such key"), "NoSuchKey", 404)
    expect_error("head", lambda: room.head("no such key"), "404", 404)


@check
def ranges(room):
    room.put("range.bin", BODY)
    size = len(BODY)
    cases = {
        "bytes=0-3": (0, 4),
        "bytes=100-199": (100, 200),
        f"bytes={size - 1}-": (size - 1, size),
        "bytes=-5": (size - 5, size),
        f"bytes=-{size + 5}": (0, size),
        f"bytes=10-{size + 100}": (10, size),
    }
    for header, (start, end) in cases.items():
        got = room.get("range.bin", Range=header)
        expect(f"{header}: bytes", got["Content"], BODY[start:end])
        expect(f"{header}: Content-Range", got["ContentRange"], f"bytes {start}-{end - 1}/{size}")
        expect(f"{header}: status", got["ResponseMetadata"]["HTTPStatusCode"], 206)
        expect(f"{header}: length", got["ContentLength"], end - start)


@check
def range_past_the_end(room):
    room.put("range.bin", BODY)
    for header in (f"bytes={len(BODY)}-", f"bytes={len(BODY) + 5}-{len(BODY) + 9}"):
        expect_error(
            header, lambda h=header: room.get("range.bin", Range=h), "InvalidRange", 416
        )


@check
def conditional_get(room):
    etag = room.put("conditions", BODY)["ETag"]
    modified = room.head("conditions")["LastModified"]
    hour = timedelta(hours=1)
    expect("If-Match", room.get("conditions", IfMatch=etag)["Content"], BODY)
    expect("If-None-Match", room.get("conditions", IfNoneMatch='"other"')["Content"], BODY)
    expect("since", room.get("conditions", IfModifiedSince=modified - hour)["Content"], BODY)
    expect("unmodified", room.get("conditions", IfUnmodifiedSince=modified)["Content"], BODY)
    for options, code, status in (
        ({"IfMatch": '"other"'}, "PreconditionFailed", 412),
        ({"IfNoneMatch": etag}, "304", 304),
        ({"IfModifiedSince": modified}, "304", 304),
        ({"IfUnmodifiedSince": modified - hour}, "PreconditionFailed", 412),
    ):
        for name, call in (("get", room.get), ("head", room.head)):
            what = f"{name} with {options}"
            expect_error(what, lambda c=call, o=options: c("conditions", **o), code, status)


@check
def response_headers_can_be_set(room):
    room.put("named", BODY)
    got = room.get(
        "named",
        ResponseContentType="application/pdf",
        ResponseContentDisposition='attachment; filename="letter.pdf"',
        ResponseCacheControl="no-store",
    )
    expect("type", got["ContentType"], "application/pdf")
    expect("disposition", got["ContentDisposition"], 'attachment; filename="letter.pdf"')
    expect("cache", got["CacheControl"], "no-store")


@check
def headers_and_user_metadata_come_back(room):
    given = {
        "ContentType": "text/plain; charset=utf-8",
        "ContentDisposition": 'inline; filename="a.txt"',
        "ContentLanguage": "en-AU",
        "CacheControl": "private, max-age=60",
        "ContentEncoding": "gzip",
        "Metadata": {"first": "one", "second-name": "two words, and = signs", "empty": ""},
    }
    room.put("described", BODY, **given)
    for name, answer in (("get", room.get("described")), ("head", room.head("described"))):
        for header, wanted in given.items():
            expect(f"{name}: {header}", answer[header], wanted)


@check
def too_much_user_metadata(room):
    room.put("much", b"x", Metadata={"k": "v" * 2000})
    expect_error(
        "more than 2 KB of metadata",
        lambda: room.put("too-much", b"x", Metadata={"k": "v" * 2100}),
        "MetadataTooLarge",
        400,
    )


ODD_KEYS = (
    "a space.pdf",
    "plus+and space.pdf",
    "100% sure.pdf",
    "%41%2F not an A.pdf",
    "ünïcödé/文件 🩺.pdf",
    "e\u0301 decomposed",
    "quotes'\".txt",
    "<&> in XML.txt",
    "semi;colon=equals?question#hash&amp.txt",
    "back\\slash |pipe| ~tilde~ (brackets) [square] {curly} *star* !",
    "double//slash",
    "folder/",
    "tab\tin it",
    "@:,$",
)


@check
def odd_keys(room):
    for number, name in enumerate(ODD_KEYS):
        body = f"body {number}".encode()
        room.put(f"odd/{name}", body)
        expect(f"get {name!r}", room.get(f"odd/{name}")["Content"], body)
        expect(f"head {name!r}", room.head(f"odd/{name}")["ContentLength"], len(body))
        room.s3.copy_object(
            Bucket=room.bucket,
            Key=room.key(f"odd-copy/{name}"),
            CopySource={"Bucket": room.bucket, "Key": room.key(f"odd/{name}")},
        )
        expect(f"copy of {name!r}", room.get(f"odd-copy/{name}")["Content"], body)
    wanted = sorted((room.key(f"odd/{name}") for name in ODD_KEYS), key=str.encode)
    prefix = room.key("odd/")
    for name, call in (("V2", room.s3.list_objects_v2), ("V1", room.s3.list_objects)):
        listed = [o["Key"] for o in call(Bucket=room.bucket, Prefix=prefix)["Contents"]]
        expect(f"list {name}", listed, wanted)
    versions, _ = room.versions(prefix)
    expect("list of versions", [v["Key"] for v in versions], wanted)
    answer = room.s3.delete_objects(
        Bucket=room.bucket, Delete={"Objects": [{"Key": key} for key in wanted]}
    )
    expect("deleted", sorted((d["Key"] for d in answer["Deleted"]), key=str.encode), wanted)
    left = room.s3.list_objects_v2(Bucket=room.bucket, Prefix=prefix)
    expect("left", left["KeyCount"], 0)


@check
def very_long_keys(room):
    room_left = 1024 - len(room.prefix)
    for name in ("k" * room_left, ("k" * 200 + "/") * 10 + "k"):
        name = name[:room_left]
        room.put(name, b"long")
        expect("the bytes", room.get(name)["Content"], b"long")
    wide = "é" * (room_left // 2)
    room.put(wide, b"wide")
    expect("the bytes", room.get(wide)["Content"], b"wide")
    expect_error(
        "a key of 1,025 bytes",
        lambda: room.put("k" * (room_left + 1), b"x"),
        "KeyTooLongError",
        400,
    )


@check
def versions_of_a_key(room):
    ids = [room.put("versions/v", body)["VersionId"] for body in (b"one", b"two", b"three")]
    expect("distinct ids", len(set(ids)), 3)
    expect("the newest", room.get("versions/v")["Content"], b"three")
    for version, body in zip(ids, (b"one", b"two", b"three")):
        expect("by version", room.get("versions/v", VersionId=version)["Content"], body)
        head = room.head("versions/v", VersionId=version)
        expect("head by version", (head["ContentLength"], head["VersionId"]), (len(body), version))
    found, markers = room.versions(room.key("versions/"))
    expect("newest first", [v["VersionId"] for v in found], ids[::-1])
    expect("the latest", [v["IsLatest"] for v in found], [True, False, False])
    expect("markers", markers, [])


@check
def delete_leaves_a_marker_and_undelete_works(room):
    version = room.put("markers/m", b"still here")["VersionId"]
    deleted = room.delete("markers/m")
    expect("a marker", deleted.get("DeleteMarker"), True)
    marker = deleted["VersionId"]
    gone = expect_error("get", lambda: room.get("markers/m"), "NoSuchKey", 404)
    headers = gone["ResponseMetadata"]["HTTPHeaders"]
    expect("x-amz-delete-marker", headers.get("x-amz-delete-marker"), "true")
    expect_error("head", lambda: room.head("markers/m"), "404", 404)
    expect_error(
        "get of the marker",
        lambda: room.get("markers/m", VersionId=marker),
        "MethodNotAllowed",
        405,
    )
    got = room.get("markers/m", VersionId=version)
    expect("the old version", got["Content"], b"still here")
    found, markers = room.versions(room.key("markers/"))
    expect("versions", [(v["VersionId"], v["IsLatest"]) for v in found], [(version, False)])
    expect("markers", [(m["VersionId"], m["IsLatest"]) for m in markers], [(marker, True)])
    removed = room.delete("markers/m", VersionId=marker)
    expect("the marker removed", removed.get("DeleteMarker"), True)
    expect("back again", room.get("markers/m")["Content"], b"still here")


@check
def delete_one_version(room):
    first = room.put("purge", b"first")["VersionId"]
    second = room.put("purge", b"second")["VersionId"]
    expect("the id", room.delete("purge", VersionId=second).get("VersionId"), second)
    expect("the one before it", room.get("purge")["Content"], b"first")
    expect_error(
        "the purged one", lambda: room.get("purge", VersionId=second), "NoSuchVersion", 404
    )
    room.delete("purge", VersionId=first)
    expect_error("nothing left", lambda: room.get("purge"), "NoSuchKey", 404)
    expect("no trace", room.versions(room.key("purge")), ([], []))


@check
def delete_is_idempotent(room):
    for name in ("never-there", "never-there"):
        answer = room.s3.delete_object(Bucket=room.bucket, Key=room.key(name))
        expect("status", answer["ResponseMetadata"]["HTTPStatusCode"], 204)


@check
def delete_many(room):
    names = [room.key(f"many/{n}") for n in range(5)]
    for name in names[:4]:
        room.s3.put_object(Bucket=room.bucket, Key=name, Body=b"x")
    answer = room.s3.delete_objects(
        Bucket=room.bucket, Delete={"Objects": [{"Key": name} for name in names[:2] + names[4:]]}
    )
    expect("deleted", {d["Key"] for d in answer["Deleted"]}, set(names[:2] + names[4:]))
    expect("errors", answer.get("Errors", []), [])
    expect_true("markers", all(d.get("DeleteMarker") for d in answer["Deleted"]), answer)
    quiet = room.s3.delete_objects(
        Bucket=room.bucket, Delete={"Objects": [{"Key": n} for n in names[2:4]], "Quiet": True}
    )
    expect("a quiet answer", quiet.get("Deleted", []), [])
    left = room.s3.list_objects_v2(Bucket=room.bucket, Prefix=room.key("many/"))
    expect("left", left["KeyCount"], 0)


@check
def if_none_match_star(room):
    first = room.put("once", b"first", IfNoneMatch="*")
    expect_error(
        "a second put", lambda: room.put("once", b"second", IfNoneMatch="*"),
        "PreconditionFailed", 412,
    )
    expect("the bytes", room.get("once")["Content"], b"first")
    expect("the version", room.head("once")["VersionId"], first["VersionId"])
    # S3 takes a key whose newest version is a delete marker for free.
    room.delete("once")
    room.put("once", b"third", IfNoneMatch="*")
    expect("after a delete", room.get("once")["Content"], b"third")


@check
def if_match_on_put(room):
    etag = room.put("swap", b"first")["ETag"]
    expect_error(
        "a wrong ETag", lambda: room.put("swap", b"no", IfMatch='"0"'), "PreconditionFailed", 412
    )
    room.put("swap", b"second", IfMatch=etag)
    expect("the bytes", room.get("swap")["Content"], b"second")


@check
def copies(room):
    given = {"ContentType": "text/x-check", "Metadata": {"from": "source"}}
    old = room.put("copy/source", b"old bytes", **given)["VersionId"]
    room.put("copy/source", BODY, **given)
    source = {"Bucket": room.bucket, "Key": room.key("copy/source")}

    def copy(to, source=source, **more):
        return room.s3.copy_object(
            Bucket=room.bucket, Key=room.key(f"copy/{to}"), CopySource=source, **more
        )

    answer = copy("same")
    expect_etag({**answer, **answer["CopyObjectResult"]}, BODY)
    got = room.get("copy/same")
    expect("bytes", got["Content"], BODY)
    expect("type", got["ContentType"], "text/x-check")
    expect("metadata", got["Metadata"], {"from": "source"})
    copy("new", MetadataDirective="REPLACE", ContentType="text/y", Metadata={"to": "copy"})
    got = room.head("copy/new")
    expect("replaced", (got["ContentType"], got["Metadata"]), ("text/y", {"to": "copy"}))
    copy("old", source={**source, "VersionId": old})
    expect("the old version", room.get("copy/old")["Content"], b"old bytes")
    missing = {"Bucket": room.bucket, "Key": room.key("copy/not-there")}
    expect_error("no source", lambda: copy("x", source=missing), "NoSuchKey", 404)
    expect_error("a copy onto itself", lambda: copy("source"), "InvalidRequest", 400)


@check
def copy_conditions(room):
    etag = room.put("copy-if/source", BODY)["ETag"]
    source = {"Bucket": room.bucket, "Key": room.key("copy-if/source")}
    target = {"Bucket": room.bucket, "Key": room.key("copy-if/target"), "CopySource": source}
    room.s3.copy_object(**target, CopySourceIfMatch=etag)
    for options in ({"CopySourceIfMatch": '"0"'}, {"CopySourceIfNoneMatch": etag}):
        expect_error(
            str(options),
            lambda o=options: room.s3.copy_object(**target, **o),
            "PreconditionFailed",
            412,
        )


@check
def nobody_is_refused(room):
    room.put("private", b"secret")
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        url = f"{room.endpoint}/{room.bucket}/{room.key('private')}"
        answer = room.http.request(method, url, body=b"x" if method == "PUT" else None)
        expect_http(method, answer, 403, None if method == "HEAD" else "AccessDenied")
    expect("untouched", room.get("private")["Content"], b"secret")


@check
def wrong_credentials_are_refused(room):
    wrong = room.client(aws_secret_access_key="not the secret")
    ask = {"Bucket": room.bucket, "Prefix": room.prefix}
    expect_error(
        "a wrong secret", lambda: wrong.list_objects_v2(**ask), "SignatureDoesNotMatch", 403
    )
    unknown = room.client(aws_access_key_id="AKIAUNKNOWNUNKNOWN00")
    expect_error(
        "an unknown key", lambda: unknown.list_objects_v2(**ask), "InvalidAccessKeyId", 403
    )
