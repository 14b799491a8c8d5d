"""What is there before the contract is fuzzed, and a request to each operation that has to work.

Random ids lead nowhere: they find nothing. So there are documents in every state, uploads, people,
keys and webhooks, and of what an operation uses up, one for each request that uses it. `Seeds` makes
them by the API itself, as an admin; `good` says for each operation what is right to ask.
"""

import base64
import hashlib
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request
import uuid

PATIENT = "test-patient"
CLINICIAN = "test-clinician"
REASON = {"reason": "a claim is expected"}
PASSWORD = "a horse of my own"
HOOK = {"url": "https://app.example.com/hooks"}
SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "samples"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="2" height="2"/></svg>'


def sample(name):
    return (SAMPLES / name).read_bytes()


PDF = sample("referral-letter.pdf")
# What there is to look at beside letters, by name: type and bytes.
FILES = {
    "photo.png": ("image/png", sample("wound-photo.png")),
    "diagram.svg": ("image/svg+xml", SVG),
    "scan.dcm": ("application/dicom", sample("chest-ct.dcm")),
}


class Seeds:
    """Makes things as an admin."""

    def __init__(self, url, token, infected=b""):
        self.url, self.token, self.infected = url, token, infected

    def call(self, method, path, body=None, headers=None):
        """One request that has to work: headers and body of its answer."""
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if path.startswith("http"):
            del headers["Authorization"]
        target = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(target, data=body, method=method, headers=headers)
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request) as answer:
                said = answer.read()
                is_json = answer.headers.get_content_type() == "application/json"
                return answer.headers, json.loads(said) if is_json else said
        except urllib.error.HTTPError as refused:
            if refused.code == 422 and path.endswith("/confirm"):
                return refused.headers, None
            said = refused.read().decode(errors="replace")
            sys.exit(f"seeding: {method} {path}: {refused.code} {said}")

    def ask(self, method, path, body=None):
        return self.call(method, path, body)[1]

    def begin(self, content=PDF, name="letter.pdf", kind="application/pdf", **more):
        asked = {"patientId": PATIENT, "filename": name, "size": len(content),
                 "contentType": kind, **more}
        return self.ask("POST", "/api/docs/presign-upload", asked)

    def send(self, content=PDF, **more):
        """Sent, not yet confirmed."""
        begun = self.begin(content, **more)
        self.call("PUT", begun["url"], content, begun["headers"])
        return begun

    def document(self, content=PDF, **more):
        """An available document. It is scanned while it passes, or soon after."""
        begun = self.begin(content, **more)
        path = f"/api/docs/{begun['id']}"
        headers = {"Content-Type": "application/octet-stream"}
        row = self.call("PUT", path + "/content", content, headers)[1]
        for _ in range(300):
            if row["state"] != "scanning":
                return row
            time.sleep(0.05)
            row = self.ask("GET", path)
        sys.exit(f"seeding: {begun['id']} is not scanned")

    def id(self, **more):
        return self.document(**more)["id"]

    def changed(self, method, way, body=None, **more):
        """An available document to which something was done."""
        document = self.id(**more)
        self.ask(method, f"/api/docs/{document}{way}", body)
        return document

    def deleted(self):
        return self.changed("DELETE", "")

    def held(self):
        return self.changed("PUT", "/hold", REASON)

    def parts(self, content=PDF):
        """An upload in parts, all of them there: its id, its key, its parts' ETags."""
        asked = {"patientId": PATIENT, "filename": "letter.pdf", "size": len(content),
                 "contentType": "application/pdf"}
        begun = self.ask("POST", "/api/docs/multipart", asked)
        path = f"/api/docs/multipart/{begun['uploadId']}/parts"
        for part in self.ask("POST", path, {"partNumbers": [1]})["parts"]:
            headers = self.call("PUT", part["url"], content, part["headers"])[0]
        return {**begun, "etag": headers["ETag"]}

    def user(self, role="staff"):
        """Somebody new: their name."""
        new = {"name": f"user-{uuid.uuid4().hex}", "role": role, "password": PASSWORD}
        return self.ask("POST", "/api/users", new)["name"]

    def session(self):
        """Somebody new who has signed in: the headers that say so."""
        who = {"username": self.user(), "password": PASSWORD}
        headers = self.call("POST", "/api/session", who, {"Origin": self.url})[0]
        return {"Cookie": headers["Set-Cookie"].split(";")[0], "Origin": self.url}

    def key(self):
        return self.ask("POST", "/api/keys", {"name": "of a test", "role": "service"})["id"]

    def webhook(self):
        """A new one, while the clinic has room for it; only an admin uses them up."""
        there = self.ask("GET", "/api/webhooks")["items"]
        return there[-1]["id"] if len(there) > 12 else self.ask("POST", "/api/webhooks", HOOK)["id"]

    def delivery(self, webhook):
        return self.ask("POST", f"/api/webhooks/{webhook}/test")["deliveryId"]

    def standing(self):
        """A document in each state, and files of several types: their ids."""
        ids = {
            "pending": self.begin()["id"], "uploaded": self.send()["id"], "available": self.id(),
            "general": self.id(patientId=None), "invoice": self.id(category="invoices"),
            "temporary": self.id(temporary=True), "superseded": self.id(),
            "deleted": self.deleted(), "held": self.held(),
            "purged": self.changed("DELETE", "?permanent=true"),
            "withdrawn": self.changed("PUT", "/release", {"state": "withdrawn", **REASON}),
        }
        ids["newest"] = self.id(supersedes=ids["superseded"])
        for name, (kind, content) in FILES.items():
            ids[name] = self.id(name=name, kind=kind, content=content)
        ids["parts"] = self.parts()["uploadId"]
        ids["abandoned"] = self.parts()["uploadId"]
        self.ask("DELETE", f"/api/docs/multipart/{ids['abandoned']}")
        ids["refused"] = self.send(b"MZ" + PDF)["id"]
        self.ask("POST", "/api/docs/confirm", {"id": ids["refused"]})
        if self.infected:
            ids["quarantined"] = self.id(content=self.infected, name="a.txt", kind="text/plain")
        self.ask("PUT", f"/api/patients/{PATIENT}/care-team/{CLINICIAN}")
        return ids


def hashed(content=PDF):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def announced(**more):
    return {"patientId": PATIENT, "filename": "letter.pdf", "contentType": "application/pdf",
            "category": "invoices", "size": len(PDF), "sha256": hashed(), **more}


def good(seeds, ids):
    """For each operation, by its id, requests that work: `path`, `query`, `body`, `headers`. Each
    has what it uses up for itself."""
    s, there = seeds, {"id": ids["available"]}
    record = {"patientId": PATIENT, "recordId": ids["available"]}
    of_patient, reason = {"patientId": PATIENT}, {"body": REASON}
    meaning = {"patientId": PATIENT, "category": "invoices"}
    member, hook, keep = {**of_patient, "userId": "somebody"}, s.webhook(), s.parts()
    new = lambda **more: {"path": {"id": s.id(**more)}}
    parts = lambda upload=keep: {"path": {"uploadId": upload["uploadId"]}}
    uppy = lambda upload=keep, **more: {**parts(upload), "query": {"key": upload["key"], **more}}
    named = s.parts()
    signing_in = {"username": s.user(), "password": PASSWORD}
    form = {"file": PDF, "category": "invoices"}
    return {
        "presignUpload": [{"body": announced()}, {"body": announced(method="POST")}],
        "confirmUpload": [{"body": {"id": s.send()["id"]}}, {"body": {"key": s.send()["key"]}}],
        "listDocuments": [{"query": {"patientId": PATIENT, "state": "available", "limit": 5}},
                          {"query": {"q": "letter", "sort": "filename"}}],
        "getDocument": [{"path": {"id": each}} for each in ids.values()],
        "deleteDocument": [new(), {**new(), "query": {"permanent": True}}],
        "editDocument": [{**new(), "body": {"category": "other", "filename": "other.pdf"}},
                         {**new(), "body": {"patientId": "another-patient", **REASON}}],
        "downloadDocument": [{"path": there}, {"path": there, "query": {"redirect": False}}],
        "documentContent": [{"path": there}, {"path": {"id": ids["diagram.svg"]},
                                              "query": {"harmless": True}}],
        "receiveContent": [{"path": {"id": s.begin()["id"]}, "body": PDF}],
        "restoreDocument": [{"path": {"id": s.deleted()}}],
        "readHold": [{"path": {"id": ids["held"]}}],
        "holdDocument": [{**new(), **reason}],
        "liftHold": [{"path": {"id": s.held()}, **reason}],
        "releaseDocument": [{**new(), "body": {"state": "withdrawn"}}],
        "documentVersions": [{"path": {"id": ids["newest"]}}],
        "documentTrail": [{"path": there, "query": {"limit": 3}}],
        "rescanDocument": [new()],
        "beginMultipart": [{"body": announced()}],
        "listParts": [parts()],
        "signParts": [{**parts(), "body": {"partNumbers": [1]}}],
        "completeMultipart": [{**parts(s.parts()), "body": {}}],
        "abortMultipart": [parts(s.parts())],
        "documentPreview": [{"path": there}, {"path": {"id": ids["photo.png"]}},
                            {"path": {"id": ids["scan.dcm"]}, "query": {"wc": 40, "ww": 400}}],
        "suggestCategory": [{"query": {"filename": "blood results.pdf"}}],
        "uploadLimits": [{}],
        "getRetrieval": [{"path": there}],
        "requestRetrieval": [{"path": there, "body": {"days": 2}}],
        "listRecords": [{"path": of_patient}],
        "addRecord": [{"path": of_patient, "form": form}],
        "getRecord": [{"path": record}],
        "downloadRecord": [{"path": record}],
        "deleteRecord": [{"path": {**record, "recordId": s.id()}}],
        "uploadFile": [{"form": {**form, "entityType": "patient", "entityId": PATIENT}}],
        "downloadFile": [{"query": {"key": s.document()["key"]}},
                         {"query": {"key": s.document()["key"], "presigned": True}}],
        "listFiles": [{"query": {"prefix": f"patients/{PATIENT}", "maxKeys": 5}}],
        "deleteFile": [{"body": {"key": s.document()["key"]}}],
        "storageConfig": [{"query": {"examine": True}}],
        "selfTest": [{}],
        "storageStats": [{"query": {"days": 3}}],
        "listCareTeam": [{"path": of_patient}],
        "addToCareTeam": [{"path": member}],
        "removeFromCareTeam": [{"path": member}],
        "uppyTicket": [{"body": meaning}],
        "uppyParams": [{"query": {"filename": "letter.pdf", "type": "application/pdf",
                                  "metadata": meaning}}],
        "uppyConfirm": [{"body": {"id": s.send()["id"]}}],
        "uppyCreateMultipart": [{"body": {"filename": "letter.pdf", "type": "application/pdf",
                                          "metadata": meaning}}],
        "uppyListParts": [uppy()],
        "uppySignPart": [{"path": {**parts()["path"], "partNumber": 1},
                          "query": {"key": keep["key"]}}],
        "uppySignBatch": [uppy(partNumbers="1")],
        "uppyComplete": [{**uppy(named),
                          "body": {"parts": [{"PartNumber": 1, "ETag": named["etag"]}]}}],
        "uppyAbort": [uppy(s.parts())],
        "listAudit": [{"query": {"limit": 3, "outcome": "granted", "patientId": PATIENT}}],
        "readConfig": [{}],
        "createWebhook": [{"body": HOOK}],
        "listWebhooks": [{}],
        "getWebhook": [{"path": {"webhookId": hook}}],
        "changeWebhook": [{"path": {"webhookId": hook}, "body": {"description": "of a test"}}],
        "rotateWebhookSecret": [{"path": {"webhookId": hook}}],
        "testWebhook": [{"path": {"webhookId": hook}}],
        "retryDelivery": [{"path": {"webhookId": hook, "deliveryId": s.delivery(hook)}}],
        "removeWebhook": [{"path": {"webhookId": s.webhook()}}],
        "listUsers": [{}],
        "addUser": [{"body": {"name": f"new-{uuid.uuid4().hex}", "role": "clinician"}}],
        "disableUser": [{"path": {"name": s.user()}}],
        "enableUser": [{"path": {"name": s.user()}}],
        "setUserPassword": [{"path": {"name": s.user()}, "body": {}}],
        "listKeys": [{}],
        "makeKey": [{"body": {"name": "of a test", "role": "service", "expiresInDays": 1}}],
        "revokeKey": [{"path": {"id": s.key()}}],
        "logIn": [{"body": signing_in, "headers": {"Origin": s.url}}],
        "readSession": [{}],
        "logOut": [{"headers": s.session()}],
        "changePassword": [{"body": {"current": PASSWORD, "password": "another horse of mine"},
                            "headers": s.session()}],
    }


# What uses up what its path names, by what that is.
USING = {
    "document": ["deleteDocument", "editDocument", "restoreDocument", "holdDocument", "liftHold",
                 "releaseDocument", "rescanDocument", "receiveContent", "deleteRecord"],
    "upload": ["completeMultipart", "abortMultipart", "uppyComplete", "uppyAbort"],
    "webhook": ["removeWebhook", "changeWebhook"],
    "user": ["disableUser", "setUserPassword", "enableUser"],
    "key": ["revokeKey"],
}


def pools(seeds, ids, many):
    """Ids to be offered at random: what stays, and `many` of each that may be used up."""
    some = lambda make: [make() for _ in range(many)]
    hook = seeds.webhook()
    keys = some(lambda: seeds.document()["key"])
    return {
        "documents": list(ids.values()), "uploads": [ids["parts"], ids["abandoned"]],
        "patients": [PATIENT, "another-patient"], "people": [CLINICIAN, "somebody"],
        "webhooks": [hook], "deliveries": [seeds.delivery(hook)], "keys": keys,
        "spare documents": some(seeds.id) + some(seeds.deleted) + some(lambda: seeds.begin()["id"]),
        "spare uploads": some(lambda: seeds.parts()["uploadId"]),
        "spare webhooks": some(seeds.webhook), "spare users": some(seeds.user),
        "spare keys": some(seeds.key),
    }
