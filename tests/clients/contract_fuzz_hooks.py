"""What Schemathesis is told to ask beside, what it reached, and what it finds and is none, each with
its reason. See `contract_fuzz.py`.

The contract says of each field what it may hold. What it cannot say is how fields go together and
what the server knows: a request that fits the schema and is refused for such a reason, and only
for such a reason, is right to be refused.
"""

import atexit
import json
import pathlib
import pickle
import re

import schemathesis

# Fields whose value must fit another field, or something the server knows: when these and no others
# are named by a 422, a request that fits its schema was rightly refused.
RELATIONS = {
    "filename": "its extension goes with contentType; at most 255 bytes, no path, no dot in front",
    "supersedes": "must be an available document of the same patient",
    "entityType": "goes with entityId",
    "entityId": "goes with entityType",
    "method": "parts always go by PUT, and one schema serves both calls",
    "partSize": "goes with parts only, and one schema serves both calls; 10,000 parts at most",
    "partNumbers": "must be parts of this upload",
    "parts": "must be the parts that are there",
    "cursor": "must be one that this server gave",
    "prefix": "must be a folder: a way of writing that depends on the installation's own prefix",
    "name": "must not be taken",
    "patientIds": "goes with the role patient",
    "url": "must not lead inside; what else a URL is, RFC 3986 says",
    "page": "must be one that the document has",
    "wc": "goes with ww, and with DICOM alone",
    "q": "must hold a letter or a digit of any script",
}
# Codes that depend on what the server holds or was configured with, not on the request's form.
DEPENDS = {
    "content_mismatch": "what is confirmed must be what was announced",
    "file_too_large": "the limits are each installation's own",
    "range_not_satisfiable": "depends on the document's size",
    "no_preview": "depends on the document's type",
    "preview_failed": "depends on the document's bytes",
    "empty_file": "the body of an upload; its size was announced elsewhere",
}
# What is said where a relation is meant, of a field that has rules of its own besides.
SAID = {
    "must not hold the character U+0000": "of any text in a body, at any depth, unknown ones too",
    "must be an array of {ETag, PartNumber}": "the same, in the clients' own words",
    " bytes": "JSON Schema counts characters; a character has up to four bytes",
    "must be after from": "two parameters",
    "goes with presigned=true": "two parameters",
    "is required to move a document to another patient": "depends on the document's patient",
    "must be the patient of the path": "path and form",
    "must name at least one event, or *": "* stands alone",
    "must be * or some of": "* stands alone",
    "is not known here; expected file": "a form's own names are written by the client",
    "give key or id, one of them": "two fields, of which one",
    "the size that was announced": "it was announced elsewhere",
    "Only SVG has a harmless rendition": "depends on the document's type",
}
# Where the type of a file is not said but found: by its name, or by the form's own part.
FOUND_TYPES = {
    "POST /api/v2/aws/s3/upload", "POST /api/patients/{patientId}/records",
    "GET /api/uppy/s3/params", "POST /api/uppy/s3/multipart",
}


# For announcements that shall be taken: a name that goes with the type.
EXTENSIONS = {
    "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp",
    "image/heic": "heic", "image/tiff": "tif", "image/svg+xml": "svg", "application/pdf": "pdf",
    "application/msword": "doc", "application/vnd.ms-excel": "xls", "text/plain": "txt",
    "text/csv": "csv", "application/dicom": "dcm", "application/vnd.age": "age",
}
# Operations that announce an upload, and the field that does not belong to each.
ANNOUNCEMENTS = {"POST /api/docs/presign-upload": "partSize", "POST /api/docs/multipart": "method"}

GOOD = pickle.loads(pathlib.Path("good").read_bytes())
REACHED = {}
CLINIC = "00000000-0000-7000-8000-000000000001"

DOCUMENT = re.compile(r"/api/(docs/\{id\}|patients/\{patientId\}/records/\{recordId\})")
UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_text(value, most=128):
    plain = isinstance(value, str) and value.strip() and value.isprintable()
    return bool(plain) and len(value) <= most


def is_count(value):
    """A number that its schema allows; what is above is wrong on purpose."""
    return type(value) is int and 0 <= value < 2**63


def operation_id(operation):
    return operation.definition.raw["operationId"]


@schemathesis.hook
def before_add_examples(context, examples):
    """Adds the requests that are right, each of which has things of its own."""
    for asked in GOOD.get(operation_id(context.operation), []):
        body = {"body": asked["body"]} if "body" in asked else {}
        if isinstance(body.get("body"), bytes):
            body["media_type"] = "application/octet-stream"
        elif body:
            body["media_type"] = "application/json"
        if "form" in asked:
            body = {"body": asked["form"], "media_type": "multipart/form-data"}
        examples.append(context.operation.Case(
            path_parameters=asked.get("path", {}), query=asked.get("query", {}),
            headers=asked.get("headers", {}), **body))


@schemathesis.hook
def after_call(context, case, response):
    """Notes which answers each operation gave; another method is another operation."""
    if case.method.upper() != case.operation.method.upper():
        return
    statuses = REACHED.setdefault(operation_id(case.operation), {})
    statuses[response.status_code] = statuses.get(response.status_code, 0) + 1


@atexit.register
def tell():
    pathlib.Path("reached.json").write_text(json.dumps(REACHED))


def in_our_clinic(value):
    """Clinics that fit their schema become the one there is: another's uploads all end alike."""
    if not isinstance(value, dict):
        return value
    clinic = value.get("clinicId")
    if isinstance(clinic, str) and UUID.fullmatch(clinic):
        value = {**value, "clinicId": CLINIC}
    if isinstance(value.get("metadata"), dict):
        value = {**value, "metadata": in_our_clinic(value["metadata"])}
    return value


@schemathesis.hook
def map_query(context, query):
    return in_our_clinic(query)


@schemathesis.hook
def map_body(context, body):
    """Brings together the fields of an announcement that fit their schema each by itself, so that
    more of them are taken and lead on. What is wrong on purpose is left as it is."""
    body = in_our_clinic(body)
    foreign = ANNOUNCEMENTS.get(context.operation.label)
    if foreign is None or not isinstance(body, dict):
        return body
    body = dict(body)
    kind = body.get("contentType")
    extension = EXTENSIONS.get(kind.split(";")[0]) if isinstance(kind, str) else None
    if extension and is_text(body.get("filename"), most=255):
        body["filename"] = f"letter.{extension}"
    if is_count(body.get("size")):
        body["size"] = min(body["size"], 1000)
    if is_text(body.get("entityType")) != is_text(body.get("entityId")):
        for name in ("entityType", "entityId"):
            if body.get(name) is None or is_text(body[name]):
                body.pop(name, None)
    if isinstance(body.get("supersedes"), str) and UUID.fullmatch(body["supersedes"]):
        del body["supersedes"]
    if foreign == "partSize" and body.get("method") in ("PUT", None):
        body.setdefault("size", 1000)
    value = body.get(foreign)
    if value in ("PUT", "POST", None) if foreign == "method" else value is None or is_count(value):
        body.pop(foreign, None)
    return body


def problem(response):
    try:
        return json.loads(response.content)
    except ValueError:
        return {}


def rightly_refused(operation, response):
    said = problem(response)
    code = said.get("code")
    if code in DEPENDS or (code == "unsupported_type" and operation in FOUND_TYPES):
        return True
    errors = said.get("errors") or {"": said.get("detail", "")}
    meant = lambda message: any(words in message for words in SAID)
    return all(field in RELATIONS or meant(message) for field, message in errors.items())


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether it is a finding."""
    kind = type(failure).__name__
    # The session of somebody who signed in is shown on purpose where nobody is known.
    if kind == "IgnoredAuth" and "Cookie" in (case.headers or {}):
        return False
    # The trash keeps documents, and a purge leaves their tombstones, on purpose.
    if kind == "UseAfterFree" and DOCUMENT.match(case.operation.path):
        return False
    if kind == "RejectedPositiveData":
        return not rightly_refused(case.operation.label, response)
    # What is switched off is answered with 503, as the contract says.
    return kind != "ServerError" or "is switched on (STRONGROOM_SCANNER is off)" not in (
        problem(response).get("detail", ""))
