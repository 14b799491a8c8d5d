"""Listing: V1, V2 and versions; prefix, delimiter, pages, more keys than one page holds."""

from concurrent.futures import ThreadPoolExecutor

from common import check, expect, expect_error, expect_true

# Sorted as S3 sorts: by the bytes of the UTF-8 form.
TREE = (
    "a.txt",
    "docs/2025/one.pdf",
    "docs/2025/two.pdf",
    "docs/2026/three.pdf",
    "docs/readme",
    "docs2/four.pdf",
    "photos/é.jpg",
    "z.txt",
)
# One more than a page holds, by a few.
MANY = 1007


def plant(room):
    prefix = room.key("tree/")
    for name in TREE:
        room.s3.put_object(Bucket=room.bucket, Key=prefix + name, Body=name.encode())
    return prefix


def names(answer, prefix):
    keys = [o["Key"].removeprefix(prefix) for o in answer.get("Contents", [])]
    folders = [p["Prefix"].removeprefix(prefix) for p in answer.get("CommonPrefixes", [])]
    return keys, folders


@check
def list_v2(room):
    prefix = plant(room)
    answer = room.s3.list_objects_v2(Bucket=room.bucket, Prefix=prefix)
    expect("names", names(answer, prefix), (list(TREE), []))
    expect("count", answer["KeyCount"], len(TREE))
    expect("truncated", answer["IsTruncated"], False)
    expect("prefix", answer["Prefix"], prefix)
    expect("bucket", answer["Name"], room.bucket)
    first = answer["Contents"][0]
    head = room.s3.head_object(Bucket=room.bucket, Key=prefix + TREE[0])
    expect("size", first["Size"], len(TREE[0]))
    expect("ETag", first["ETag"], head["ETag"])
    expect("Last-Modified", first["LastModified"].replace(microsecond=0), head["LastModified"])
    expect("class", first["StorageClass"], "STANDARD")


@check
def list_with_prefix_and_delimiter(room):
    prefix = plant(room)
    cases = {
        "": (["a.txt", "z.txt"], ["docs/", "docs2/", "photos/"]),
        "docs": ([], ["docs/", "docs2/"]),
        "docs/": (["docs/readme"], ["docs/2025/", "docs/2026/"]),
        "docs/2025/": (["docs/2025/one.pdf", "docs/2025/two.pdf"], []),
        "photos/é": (["photos/é.jpg"], []),
        "nothing/": ([], []),
    }
    for more, wanted in cases.items():
        for name, call in (("V2", room.s3.list_objects_v2), ("V1", room.s3.list_objects)):
            answer = call(Bucket=room.bucket, Prefix=prefix + more, Delimiter="/")
            expect(f"{name}, prefix {more!r}", names(answer, prefix), wanted)
        expect("delimiter", answer["Delimiter"], "/")
    odd = room.s3.list_objects_v2(Bucket=room.bucket, Prefix=prefix, Delimiter="2025")
    expect("another delimiter", names(odd, prefix)[1], ["docs/2025"])


@check
def list_v2_pages(room):
    prefix = plant(room)
    ask = {"Bucket": room.bucket, "Prefix": prefix, "MaxKeys": 3}
    found, token, sizes = [], {}, []
    while True:
        page = room.s3.list_objects_v2(**ask, **token)
        found += names(page, prefix)[0]
        sizes.append(page["KeyCount"])
        expect("MaxKeys", page["MaxKeys"], 3)
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    expect("all pages", found, list(TREE))
    expect("their sizes", sizes, [3, 3, 2])
    expect("no token at the end", "NextContinuationToken" in page, False)
    after = room.s3.list_objects_v2(
        Bucket=room.bucket, Prefix=prefix, StartAfter=prefix + "docs/2025/two.pdf"
    )
    expect("StartAfter", names(after, prefix)[0], list(TREE[3:]))
    none = room.s3.list_objects_v2(Bucket=room.bucket, Prefix=prefix, MaxKeys=0)
    expect("no keys asked for", (none["KeyCount"], none["IsTruncated"]), (0, False))
    expect_error(
        "a token that was never given",
        lambda: room.s3.list_objects_v2(**ask, ContinuationToken="not a token"),
        "InvalidArgument",
        400,
    )


@check
def list_pages_with_delimiter(room):
    prefix = plant(room)
    wanted = ["a.txt", "docs/", "docs2/", "photos/", "z.txt"]
    for kind in ("list_objects_v2", "list_objects"):
        pages = room.s3.get_paginator(kind).paginate(
            Bucket=room.bucket, Prefix=prefix, Delimiter="/", PaginationConfig={"PageSize": 2}
        )
        found = []
        for number, page in enumerate(pages):
            keys, folders = names(page, prefix)
            expect_true("at most 2 a page", len(keys) + len(folders) <= 2, page)
            found += sorted(keys + folders)
        expect(f"{kind}: all pages", found, wanted)
        expect(f"{kind}: pages", number + 1, 3)


@check
def list_v1_pages(room):
    prefix = plant(room)
    found, marker = [], ""
    while True:
        page = room.s3.list_objects(
            Bucket=room.bucket, Prefix=prefix, MaxKeys=3, Marker=marker
        )
        found += names(page, prefix)[0]
        # S3 gives NextMarker only with a delimiter: the last key is the marker.
        expect("NextMarker", "NextMarker" in page, False)
        if not page["IsTruncated"]:
            break
        marker = page["Contents"][-1]["Key"]
    expect("all pages", found, list(TREE))


@check
def list_more_than_one_page_of_keys(room):
    prefix = room.key("flock/")
    wanted = [f"{prefix}{number:05}" for number in range(MANY)]

    def put(key):
        room.s3.put_object(Bucket=room.bucket, Key=key, Body=b"")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, wanted))
    first = room.s3.list_objects_v2(Bucket=room.bucket, Prefix=prefix)
    expect("the first page", (first["KeyCount"], first["IsTruncated"]), (1000, True))
    greedy = room.s3.list_objects_v2(Bucket=room.bucket, Prefix=prefix, MaxKeys=5000)
    expect("no page is longer", (greedy["KeyCount"], greedy["IsTruncated"]), (1000, True))
    for kind in ("list_objects_v2", "list_objects"):
        pages = room.s3.get_paginator(kind).paginate(Bucket=room.bucket, Prefix=prefix)
        found = [o["Key"] for page in pages for o in page["Contents"]]
        expect(f"{kind}: every key", found, wanted)
    found, _ = room.versions(prefix)
    expect("versions: every key", [v["Key"] for v in found], wanted)


@check
def list_versions_pages(room):
    prefix = room.key("history/")
    for name in ("a", "b"):
        for number in range(3):
            room.s3.put_object(Bucket=room.bucket, Key=prefix + name, Body=b"%d" % number)
    room.s3.delete_object(Bucket=room.bucket, Key=prefix + "a")
    whole, markers = room.versions(prefix)
    expect("versions", [v["Key"][-1] for v in whole], ["a"] * 3 + ["b"] * 3)
    expect("markers", [m["Key"][-1] for m in markers], ["a"])
    pages = room.s3.get_paginator("list_object_versions").paginate(
        Bucket=room.bucket, Prefix=prefix, PaginationConfig={"PageSize": 2}
    )
    found = []
    for page in pages:
        both = page.get("Versions", []) + page.get("DeleteMarkers", [])
        expect_true("at most 2 a page", len(both) <= 2, page)
        found += [v["VersionId"] for v in both]
    expect("every one once", sorted(found), sorted(v["VersionId"] for v in whole + markers))


@check
def deleted_keys_are_not_listed(room):
    prefix = plant(room)
    room.s3.delete_object(Bucket=room.bucket, Key=prefix + "a.txt")
    answer = room.s3.list_objects_v2(Bucket=room.bucket, Prefix=prefix)
    expect("names", names(answer, prefix)[0], list(TREE[1:]))
