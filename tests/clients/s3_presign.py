"""Presigned URLs and presigned POST forms: good, expired, tampered, outside their bounds."""

import base64
import contextlib
import hashlib
import json
import re
import xml.etree.ElementTree as xml
from datetime import timedelta
from unittest import mock
from urllib.parse import urlsplit

import botocore.auth
import botocore.signers
from botocore.compat import get_current_datetime

from common import check, expect, expect_error, expect_http

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 8


def checksum(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


@contextlib.contextmanager
def at(**ago):
    """Signs as if the clock stood this long ago (or, negative, ahead)."""

    def clock(*args, **more):
        return get_current_datetime(*args, **more) - timedelta(**ago)

    with contextlib.ExitStack() as stack:
        for module in (botocore.auth, botocore.signers):
            stack.enter_context(mock.patch.object(module, "get_current_datetime", clock))
        yield


def url(room, method, name, expires=60, ago=None, **params):
    ask = {"Bucket": room.bucket, "Key": room.key(name), **params}
    with at(**(ago or {})):
        return room.s3.generate_presigned_url(method, Params=ask, ExpiresIn=expires)


def send(room, method, link, body=None, **headers):
    return room.http.request(
        method, link, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


@check
def presigned_put_and_get(room):
    link = url(room, "put_object", "signed/letter ü+1.pdf", ContentType="application/pdf")
    expect_http("put", send(room, "PUT", link, PDF, Content_Type="application/pdf"), 200)
    got = send(room, "GET", url(room, "get_object", "signed/letter ü+1.pdf"))
    expect_http("get", got, 200)
    expect("bytes", got.data, PDF)
    expect("type", got.headers["Content-Type"], "application/pdf")
    part = send(room, "GET", url(room, "get_object", "signed/letter ü+1.pdf"), Range="bytes=0-3")
    expect_http("range", part, 206)
    expect("its bytes", part.data, PDF[:4])
    head = send(room, "HEAD", url(room, "head_object", "signed/letter ü+1.pdf"))
    expect_http("head", head, 200)
    expect("length", head.headers["Content-Length"], str(len(PDF)))


@check
def presigned_get_with_response_headers(room):
    room.put("named.pdf", PDF)
    shown = 'attachment; filename="a b.pdf"'
    link = url(
        room, "get_object", "named.pdf",
        ResponseContentDisposition=shown, ResponseContentType="application/pdf",
    )
    got = send(room, "GET", link)
    expect_http("get", got, 200)
    expect("disposition", got.headers["Content-Disposition"], shown)
    expect("type", got.headers["Content-Type"], "application/pdf")
    other = link.replace("application%2Fpdf", "text%2Fhtml")
    expect_http("another type", send(room, "GET", other), 403, "SignatureDoesNotMatch")


@check
def presigned_get_of_a_version(room):
    first = room.put("pinned", b"first")["VersionId"]
    room.put("pinned", b"second")
    got = send(room, "GET", url(room, "get_object", "pinned", VersionId=first))
    expect("the pinned version", got.data, b"first")


@check
def presigned_get_of_nothing(room):
    expect_http("get", send(room, "GET", url(room, "get_object", "nothing")), 404, "NoSuchKey")


@check
def presigned_put_with_every_header(room):
    more = {
        "ContentType": "application/pdf",
        "ContentLength": len(PDF),
        "IfNoneMatch": "*",
        "ChecksumSHA256": checksum(PDF),
        "Metadata": {"made": "here"},
    }
    headers = {
        "Content_Type": "application/pdf",
        "If_None_Match": "*",
        "x_amz_checksum_sha256": checksum(PDF),
        "x_amz_meta_made": "here",
    }
    link = url(room, "put_object", "every.pdf", **more)
    expect_http("put", send(room, "PUT", link, PDF, **headers), 200)
    again = send(room, "PUT", link, PDF, **headers)
    expect_http("the same URL again", again, 412, "PreconditionFailed")
    head = room.head("every.pdf", ChecksumMode="ENABLED")
    expect("checksum", head.get("ChecksumSHA256"), checksum(PDF))
    expect("metadata", head["Metadata"], {"made": "here"})


@check
def presigned_put_with_other_bytes(room):
    link = url(room, "put_object", "other.pdf", ChecksumSHA256=checksum(PDF))
    wrong = send(room, "PUT", link, b"other", x_amz_checksum_sha256=checksum(PDF))
    expect_http("bytes that were not promised", wrong, 400, "BadDigest")
    expect_error("nothing stored", lambda: room.get("other.pdf"), "NoSuchKey", 404)


@check
def presigned_put_with_other_headers(room):
    link = url(room, "put_object", "typed.pdf", ContentType="application/pdf")
    refused = "SignatureDoesNotMatch"
    other = send(room, "PUT", link, PDF, Content_Type="text/html")
    expect_http("another type", other, 403, refused)
    longer = url(room, "put_object", "typed.pdf", ContentLength=len(PDF))
    expect_http("another length", send(room, "PUT", longer, PDF + b"x"), 403, refused)
    expect_error("nothing stored", lambda: room.get("typed.pdf"), "NoSuchKey", 404)


@check
def presigned_urls_expire(room):
    room.put("old", PDF)
    link = url(room, "get_object", "old", ago={"hours": 1})
    expect_http("get", send(room, "GET", link), 403, "AccessDenied")
    link = url(room, "put_object", "too-late", ago={"hours": 1})
    expect_http("put", send(room, "PUT", link, PDF), 403, "AccessDenied")
    expect_error("nothing stored", lambda: room.get("too-late"), "NoSuchKey", 404)
    still = url(room, "get_object", "old", ago={"hours": 1}, expires=2 * 3600)
    expect_http("one that lives for two hours", send(room, "GET", still), 200)


@check
def presigned_urls_of_tomorrow(room):
    room.put("early", PDF)
    link = url(room, "get_object", "early", ago={"hours": -2})
    expect_http("get", send(room, "GET", link), 403, "AccessDenied")


@check
def presigned_urls_last_a_week_at_most(room):
    room.put("week", PDF)
    link = url(room, "get_object", "week", expires=604_800)
    expect_http("a week", send(room, "GET", link), 200)
    link = url(room, "get_object", "week", expires=604_801)
    refused = send(room, "GET", link)
    expect_http("a second more", refused, 400, "AuthorizationQueryParametersError")


@check
def tampered_presigned_urls(room):
    room.put("mine", b"mine")
    room.put("theirs", b"theirs")
    link = url(room, "get_object", "mine")
    expect_http("as it was signed", send(room, "GET", link), 200)
    signature = re.search(r"X-Amz-Signature=([0-9a-f]{64})", link).group(1)
    turned = signature[:-1] + ("0" if signature[-1] != "0" else "1")
    for what, tampered in {
        "another key": link.replace("/mine?", "/theirs?"),
        "another signature": link.replace(signature, turned),
        "a longer life": link.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
        "a parameter more": f"{link}&response-content-type=text%2Fhtml",
        "another version": f"{link}&versionId=null",
    }.items():
        expect_http(what, send(room, "GET", tampered), 403, "SignatureDoesNotMatch")
    expect_http("another method", send(room, "PUT", link, b"x"), 403, "SignatureDoesNotMatch")
    expect_http("deletion", send(room, "DELETE", link), 403, "SignatureDoesNotMatch")
    expect("untouched", room.get("mine")["Content"], b"mine")
    unknown = link.replace(room.access_key, "AKIAUNKNOWNUNKNOWN00")
    expect_http("an unknown key", send(room, "GET", unknown), 403, "InvalidAccessKeyId")
    bare = link.split("?")[0]
    expect_http("no signature", send(room, "GET", bare), 403, "AccessDenied")


@check
def old_signed_requests(room):
    with at(hours=1):
        expect_error(
            "a signed header of an hour ago",
            lambda: room.s3.list_objects_v2(Bucket=room.bucket, Prefix=room.prefix),
            "RequestTimeTooSkewed",
            403,
        )


@check
def presigned_parts(room):
    upload = {"Bucket": room.bucket, "Key": room.key("signed-parts")}
    s3 = room.without_checksums()
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    done = []
    for number, body in ((1, b"a" * 5 * 1024 * 1024), (2, b"tail")):
        link = s3.generate_presigned_url("upload_part", Params={**upload, "PartNumber": number})
        answer = send(room, "PUT", link, body)
        expect_http(f"part {number}", answer, 200)
        done.append({"PartNumber": number, "ETag": answer.headers["ETag"]})
        other = link.replace(f"partNumber={number}", f"partNumber={number + 1}")
        refused = send(room, "PUT", other, body)
        expect_http("another number", refused, 403, "SignatureDoesNotMatch")
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": done})
    expect("length", room.head("signed-parts")["ContentLength"], 5 * 1024 * 1024 + 4)


def form(room, name, fields=None, conditions=None, expires=60, ago=None):
    with at(**(ago or {})):
        return room.s3.generate_presigned_post(
            room.bucket, room.key(name), Fields=fields, Conditions=conditions, ExpiresIn=expires
        )


def post(room, signed, body=PDF, filename="letter.pdf", **changes):
    fields = {**signed["fields"], **changes}
    fields = [(k, v) for k, v in fields.items() if v is not None]
    # The file comes last: S3 reads nothing behind it.
    return room.http.request(
        "POST", signed["url"], fields=[*fields, ("file", (filename, body, "application/pdf"))]
    )


@check
def post_form(room):
    typed = {"Content-Type": "application/pdf", "x-amz-meta-made": "here"}
    signed = form(room, "form.pdf", typed, [{k: v} for k, v in typed.items()])
    answer = post(room, signed)
    expect_http("post", answer, 204)
    expect("no body", answer.data, b"")
    got = room.get("form.pdf")
    expect("bytes", got["Content"], PDF)
    expect("type", got["ContentType"], "application/pdf")
    expect("metadata", got["Metadata"], {"made": "here"})
    expect("ETag", answer.headers["ETag"], got["ETag"])


@check
def post_form_answers_as_asked(room):
    for status in ("200", "201", "204"):
        asked = {"success_action_status": status}
        signed = form(room, f"form-{status}", asked, [asked])
        answer = post(room, signed)
        expect_http(f"status {status}", answer, int(status))
        if status == "201":
            told = xml.fromstring(answer.data)
            expect("bucket", told.findtext("Bucket"), room.bucket)
            expect("key", told.findtext("Key"), room.key("form-201"))
            expect("ETag", told.findtext("ETag"), room.head("form-201")["ETag"])


@check
def post_form_names_the_file(room):
    signed = form(room, "mail/${filename}")
    expect_http("post", post(room, signed, filename="a letter.pdf"), 204)
    expect("bytes", room.get("mail/a letter.pdf")["Content"], PDF)


@check
def post_form_size_range(room):
    bounds = [["content-length-range", 10, 1000]]
    small = post(room, form(room, "sized", None, bounds), b"x" * 9)
    expect_http("9 bytes of 10 to 1,000", small, 400, "EntityTooSmall")
    large = post(room, form(room, "sized", None, bounds), b"x" * 1001)
    expect_http("1,001 bytes of 10 to 1,000", large, 400, "EntityTooLarge")
    expect_error("nothing stored", lambda: room.get("sized"), "NoSuchKey", 404)
    for size in (10, 1000):
        fits = post(room, form(room, "sized", None, bounds), b"x" * size)
        expect_http(f"{size} bytes of 10 to 1,000", fits, 204)
        expect("stored", room.head("sized")["ContentLength"], size)


@check
def post_form_starts_with(room):
    rule = [["starts-with", "$Content-Type", "image/"]]
    signed = form(room, "picture", None, rule)
    expect_http("image/png", post(room, signed, **{"Content-Type": "image/png"}), 204)
    other = post(room, signed, **{"Content-Type": "text/html"})
    expect_http("text/html", other, 403, "AccessDenied")
    without = post(room, signed)
    expect_http("no type", without, 403, "AccessDenied")
    expect("the first one", room.head("picture")["ContentType"], "image/png")


@check
def post_form_tampered(room):
    signed = form(room, "theform")
    policy = json.loads(base64.b64decode(signed["fields"]["policy"]))
    policy["conditions"] = [c for c in policy["conditions"] if "key" not in c]
    policy["conditions"].append(["starts-with", "$key", ""])
    wider = base64.b64encode(json.dumps(policy).encode()).decode()
    signature = signed["fields"]["x-amz-signature"]
    turned = signature[:-1] + ("0" if signature[-1] != "0" else "1")
    for what, changes, status, code in (
        ("another key", {"key": room.key("another")}, 403, "AccessDenied"),
        ("a field more", {"x-amz-meta-more": "x"}, 403, "AccessDenied"),
        ("another policy", {"policy": wider}, 403, "SignatureDoesNotMatch"),
        ("another signature", {"x-amz-signature": turned}, 403, "SignatureDoesNotMatch"),
        ("no key", {"key": None}, 400, "InvalidArgument"),
    ):
        expect_http(what, post(room, signed, **changes), status, code)
    for name in ("theform", "another"):
        expect_error("nothing stored", lambda n=name: room.get(n), "NoSuchKey", 404)


@check
def post_form_ignored_fields(room):
    signed = form(room, "ignored")
    expect_http("x-ignore-…", post(room, signed, **{"x-ignore-note": "anything"}), 204)


@check
def post_form_expires(room):
    signed = form(room, "late-form", ago={"hours": 1})
    expect_http("post", post(room, signed), 403, "AccessDenied")
    expect_error("nothing stored", lambda: room.get("late-form"), "NoSuchKey", 404)


@check
def post_without_signature(room):
    parts = urlsplit(room.endpoint)
    signed = {"url": f"{parts.scheme}://{parts.netloc}/{room.bucket}", "fields": {}}
    answer = post(room, signed, key=room.key("anonymous"))
    expect_http("post", answer, 403, "AccessDenied")
