"""Multipart uploads, and checksums of one request and of several."""

import base64
import hashlib
import random
import struct
import zlib

from common import check, expect, expect_error, expect_true

MIB = 1024 * 1024
# The smallest part that S3 takes, unless it is the last one.
LEAST = 5 * MIB
SUMS = ("ChecksumCRC32", "ChecksumCRC64NVME", "ChecksumSHA256")
CRC64_NVME = 0x9A6C9329AC4BC9B5


def _crc64_tables():
    first = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (CRC64_NVME if value & 1 else 0)
        first.append(value)
    tables = [first]
    for _ in range(7):
        tables.append([first[value & 255] ^ value >> 8 for value in tables[-1]])
    return tables


TABLES = _crc64_tables()


def crc64nvme(data):
    """CRC-64/NVME, eight bytes at a step, so that no compiled library is needed."""
    crc = 0xFFFFFFFFFFFFFFFF
    even = len(data) // 8 * 8
    t0, t1, t2, t3, t4, t5, t6, t7 = TABLES
    for (word,) in struct.iter_unpack("<Q", memoryview(data)[:even]):
        crc ^= word
        crc = (
            t7[crc & 255] ^ t6[crc >> 8 & 255] ^ t5[crc >> 16 & 255] ^ t4[crc >> 24 & 255]
            ^ t3[crc >> 32 & 255] ^ t2[crc >> 40 & 255] ^ t1[crc >> 48 & 255] ^ t0[crc >> 56]
        )
    for byte in data[even:]:
        crc = t0[(crc ^ byte) & 255] ^ crc >> 8
    return (crc ^ 0xFFFFFFFFFFFFFFFF).to_bytes(8, "big")


def encoded(raw):
    return base64.b64encode(raw).decode()


def checksums(data):
    return {
        "SHA256": encoded(hashlib.sha256(data).digest()),
        "CRC32": encoded(zlib.crc32(data).to_bytes(4, "big")),
        "CRC64NVME": encoded(crc64nvme(data)),
    }


def parts(*sizes):
    """Bytes that differ from part to part and do not compress, the same on every run."""
    return [random.Random(number).randbytes(size) for number, size in enumerate(sizes)]


class Upload:
    """One multipart upload and the calls on it."""

    def __init__(self, room, name, client=None, **more):
        self.s3 = client or room.s3
        self.at = {"Bucket": room.bucket, "Key": room.key(name)}
        self.at["UploadId"] = self.s3.create_multipart_upload(**self.at, **more)["UploadId"]

    def part(self, number, body, **more):
        """Sends a part; gives what `complete` has to say of it, its checksum with it."""
        answer = self.s3.upload_part(**self.at, PartNumber=number, Body=body, **more)
        sums = {name: value for name, value in answer.items() if name in SUMS}
        return {"PartNumber": number, "ETag": answer["ETag"], **sums}

    def parts(self, **more):
        return self.s3.list_parts(**self.at, **more)

    def complete(self, done, **more):
        return self.s3.complete_multipart_upload(
            **self.at, MultipartUpload={"Parts": done}, **more
        )

    def abort(self):
        return self.s3.abort_multipart_upload(**self.at)


@check
def multipart_out_of_order(room):
    bodies = parts(LEAST, LEAST + 77, 1234)
    up = Upload(room, "large.bin", ContentType="application/x-large", Metadata={"made": "here"})
    done = {number: up.part(number, bodies[number - 1]) for number in (3, 1, 2)}
    expect_error("before it is complete", lambda: room.get("large.bin"), "NoSuchKey", 404)
    listed = up.parts()
    expect("parts", [p["PartNumber"] for p in listed["Parts"]], [1, 2, 3])
    expect("sizes", [p["Size"] for p in listed["Parts"]], [len(b) for b in bodies])
    expect("ETags", [p["ETag"] for p in listed["Parts"]], [done[n]["ETag"] for n in (1, 2, 3)])
    expect("whole", listed["IsTruncated"], False)
    page = up.parts(MaxParts=2)
    expect("a page", [p["PartNumber"] for p in page["Parts"]], [1, 2])
    expect("more", (page["IsTruncated"], page["NextPartNumberMarker"]), (True, 2))
    rest = up.parts(PartNumberMarker=2)
    expect("the rest", [p["PartNumber"] for p in rest["Parts"]], [3])
    open_ones = room.s3.list_multipart_uploads(Bucket=room.bucket, Prefix=room.key("large"))
    expect("uploads", [u["UploadId"] for u in open_ones["Uploads"]], [up.at["UploadId"]])

    answer = up.complete([done[n] for n in (1, 2, 3)])
    expect("the key", answer["Key"], room.key("large.bin"))
    expect_true("an ETag of 3 parts", answer["ETag"].endswith('-3"'), answer["ETag"])
    expect_true("a version id", answer.get("VersionId"), answer)
    got = room.get("large.bin")
    expect_true("the bytes in order", got["Content"] == b"".join(bodies), len(got["Content"]))
    expect("type", got["ContentType"], "application/x-large")
    expect("metadata", got["Metadata"], {"made": "here"})
    expect("ETag", got["ETag"], answer["ETag"])
    seam = room.get("large.bin", Range=f"bytes={LEAST - 2}-{LEAST + 1}")
    expect("a range over the seam", seam["Content"], bodies[0][-2:] + bodies[1][:2])
    gone = room.s3.list_multipart_uploads(Bucket=room.bucket, Prefix=room.key("large"))
    expect("no open upload", gone.get("Uploads", []), [])


@check
def multipart_part_replaced(room):
    first, second = parts(LEAST, LEAST)
    up = Upload(room, "again.bin")
    old = up.part(1, first)
    new = up.part(1, second)
    tail = up.part(2, b"tail")
    if old["ETag"] != new["ETag"]:
        expect_error("the old ETag", lambda: up.complete([old, tail]), "InvalidPart", 400)
    up.complete([new, tail])
    expect_true("the newer part", room.get("again.bin")["Content"] == second + b"tail")


@check
def multipart_part_left_out(room):
    bodies = parts(LEAST, LEAST, 10)
    # Without checksums: those of parts (SHA-256, CRC32) want numbers without gaps.
    up = Upload(room, "gap.bin", room.without_checksums())
    done = [up.part(number, body) for number, body in zip((2, 5, 9), bodies)]
    up.complete([done[0], done[2]])
    expect_true("only what was named", room.get("gap.bin")["Content"] == bodies[0] + bodies[2])


@check
def multipart_abort(room):
    up = Upload(room, "aborted.bin")
    up.part(1, b"some bytes")
    up.abort()
    expect_error("its parts", up.parts, "NoSuchUpload", 404)
    expect_error("a part more", lambda: up.part(2, b"x"), "NoSuchUpload", 404)
    expect_error("no object", lambda: room.get("aborted.bin"), "NoSuchKey", 404)
    left = room.s3.list_multipart_uploads(Bucket=room.bucket, Prefix=room.key("aborted"))
    expect("uploads", left.get("Uploads", []), [])


@check
def multipart_part_too_small(room):
    up = Upload(room, "small.bin")
    done = [up.part(1, b"x" * (LEAST - 1)), up.part(2, b"tail")]
    expect_error("complete", lambda: up.complete(done), "EntityTooSmall", 400)
    up.abort()


@check
def multipart_wrong_parts(room):
    up = Upload(room, "wrong.bin")
    one, two = (up.part(number, body) for number, body in enumerate(parts(LEAST, LEAST), 1))
    wrong = {**two, "ETag": '"00000000000000000000000000000000"'}
    never = {**two, "PartNumber": 3}
    expect_error("an ETag", lambda: up.complete([one, wrong]), "InvalidPart", 400)
    expect_error("a part never sent", lambda: up.complete([one, never]), "InvalidPart", 400)
    expect_error("the order", lambda: up.complete([two, one]), "InvalidPartOrder", 400)
    expect_error("part 10,001", lambda: up.part(10001, b"x"), "InvalidArgument", 400)
    up.complete([one, two])


@check
def multipart_without_parts(room):
    up = Upload(room, "none.bin")
    expect_error("no parts at all", lambda: up.complete([]), "MalformedXML", 400)
    up.abort()


@check
def multipart_if_none_match(room):
    room.put("taken.bin", b"first")
    up = Upload(room, "taken.bin")
    done = [up.part(1, b"second")]
    expect_error(
        "complete", lambda: up.complete(done, IfNoneMatch="*"), "PreconditionFailed", 412
    )
    expect("the bytes", room.get("taken.bin")["Content"], b"first")


@check
def multipart_without_checksums(room):
    bodies = parts(LEAST, 55)
    up = Upload(room, "plain.bin", room.without_checksums())
    up.complete([up.part(number, body) for number, body in enumerate(bodies, 1)])
    expect_true("the bytes", room.get("plain.bin")["Content"] == b"".join(bodies))


@check
def multipart_is_a_new_version(room):
    old = room.put("grown.bin", b"small")["VersionId"]
    up = Upload(room, "grown.bin")
    up.complete([up.part(1, b"one part")])
    expect("the new one", room.get("grown.bin")["Content"], b"one part")
    expect("the old one", room.get("grown.bin", VersionId=old)["Content"], b"small")


@check
def crc64nvme_is_right(_room):
    # The check value that the catalogue of CRCs gives for CRC-64/NVME.
    expect("of 123456789", crc64nvme(b"123456789").hex(), "ae8b14860a799888")


@check
def checksum_of_a_put(room):
    body = parts(100_003)[0]
    for name, value in checksums(body).items():
        field = f"Checksum{name}"
        stored = room.put(f"sum/{name}", body, **{field: value})
        expect(f"{name} in the answer", stored.get(field), value)
        got = room.get(f"sum/{name}", ChecksumMode="ENABLED")
        expect(f"{name} on get", got.get(field), value)
        expect(f"{name}: bytes", got["Content"], body)
        head = room.head(f"sum/{name}", ChecksumMode="ENABLED")
        expect(f"{name} on head", head.get(field), value)
        expect(f"{name}: kind", head.get("ChecksumType"), "FULL_OBJECT")
        expect("not unasked", room.head(f"sum/{name}").get(field), None)


@check
def wrong_checksum_of_a_put(room):
    for name, value in checksums(b"other bytes").items():
        expect_error(
            name,
            lambda n=name, v=value: room.put("bad-sum", b"bytes", **{f"Checksum{n}": v}),
            "BadDigest",
            400,
        )
    md5 = encoded(hashlib.md5(b"other bytes").digest())
    expect_error(
        "Content-MD5", lambda: room.put("bad-sum", b"bytes", ContentMD5=md5), "BadDigest", 400
    )
    expect_error("nothing stored", lambda: room.get("bad-sum"), "NoSuchKey", 404)


@check
def malformed_checksum_of_a_put(room):
    expect_error(
        "SHA-256 of 3 bytes",
        lambda: room.put("odd-sum", b"bytes", ChecksumSHA256=encoded(b"abc")),
        "InvalidRequest",
        400,
    )
    expect_error(
        "Content-MD5 of 3 bytes",
        lambda: room.put("odd-sum", b"bytes", ContentMD5=encoded(b"abc")),
        "InvalidDigest",
        400,
    )


@check
def checksum_of_parts(room):
    bodies = parts(LEAST, 999)
    up = Upload(room, "sum-parts", ChecksumAlgorithm="SHA256")
    done = []
    for number, body in enumerate(bodies, 1):
        value = checksums(body)["SHA256"]
        done.append(up.part(number, body, ChecksumSHA256=value))
        expect("a part's checksum", done[-1].get("ChecksumSHA256"), value)
    wrong = checksums(b"other")["SHA256"]
    expect_error(
        "a wrong part", lambda: up.part(3, b"x", ChecksumSHA256=wrong), "BadDigest", 400
    )
    answer = up.complete(done)
    raw = b"".join(hashlib.sha256(body).digest() for body in bodies)
    composite = f"{encoded(hashlib.sha256(raw).digest())}-2"
    expect("the composite", answer.get("ChecksumSHA256"), composite)
    head = room.head("sum-parts", ChecksumMode="ENABLED")
    expect("on head", head.get("ChecksumSHA256"), composite)
    expect("its kind", head.get("ChecksumType"), "COMPOSITE")


@check
def checksum_of_the_whole_in_parts(room):
    bodies = parts(LEAST, 999)
    up = Upload(room, "sum-whole", ChecksumAlgorithm="CRC64NVME", ChecksumType="FULL_OBJECT")
    done = []
    for number, body in enumerate(bodies, 1):
        value = checksums(body)["CRC64NVME"]
        done.append(up.part(number, body, ChecksumCRC64NVME=value))
        expect("a part's checksum", done[-1].get("ChecksumCRC64NVME"), value)
    whole = checksums(b"".join(bodies))["CRC64NVME"]
    wrong = checksums(b"other")["CRC64NVME"]
    expect_error(
        "a wrong whole",
        lambda: up.complete(done, ChecksumCRC64NVME=wrong, ChecksumType="FULL_OBJECT"),
        "BadDigest",
        400,
    )
    up.complete(done, ChecksumCRC64NVME=whole, ChecksumType="FULL_OBJECT")
    head = room.head("sum-whole", ChecksumMode="ENABLED")
    expect("on head", head.get("ChecksumCRC64NVME"), whole)
    expect("its kind", head.get("ChecksumType"), "FULL_OBJECT")
