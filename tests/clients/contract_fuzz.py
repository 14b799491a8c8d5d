"""Asks the running server everything its contract allows, and much that it does not.

Schemathesis (https://schemathesis.io) reads `/openapi.json` and makes requests from it: examples,
edges of every field, random ones, and chains in which one answer leads to the next question; each
once for every role. An answer that the contract does not know, a 5xx, a wrong request that is
taken or a right one that is refused ends the run with 1 and shows the request as a curl line.

The server is somebody else's to start: `--url`, and the credentials in STRONGROOM_FUZZ_TOKENS, a
JSON object from role to token. What is written stays. With STRONGROOM_FUZZ_INFECTED, a text that the
server's scanner finds, a document is quarantined too.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PDF = (
    b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\nxref\n0 2\n0000000000 65535 f \n"
    b"0000000009 00000 n \ntrailer\n<</Size 2/Root 1 0 R>>\nstartxref\n42\n%%EOF\n"
)
PATIENT = "test-patient"
NOBODY = "nobody"
# Up to this many random requests an operation it is a small run: the edges of every field, most of
# the requests there are, are then tried by an admin alone.
SMALL = 5
HERE = pathlib.Path(__file__).resolve().parent


def call(url, method, path, token, body=None, headers=None):
    """One request; status and body. A problem is an answer like any other."""
    headers = dict(headers or {})
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    target = path if path.startswith("http") else url + path
    request = urllib.request.Request(target, data=body, method=method, headers=headers)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def must(done, *statuses):
    status, body = done
    if status not in statuses:
        sys.exit(f"seeding: expected {statuses}, got {status}: {body.decode(errors='replace')}")
    return json.loads(body) if body else None


def until_scanned(url, token, document):
    """Waits for the scanner, where one is on."""
    for _ in range(300):
        row = must(call(url, "GET", f"/api/docs/{document}", token), 200)
        if row["state"] != "scanning":
            return document
        time.sleep(0.1)
    sys.exit(f"seeding: {document} is not scanned")


def seed(url, token, infected):
    """Documents in the states an admin can bring about: by name, their ids."""
    def begin(**more):
        asked = {"patientId": PATIENT, "filename": "letter.pdf", "size": len(PDF),
                 "contentType": "application/pdf", **more}
        return must(call(url, "POST", "/api/docs/presign-upload", token, asked), 201)

    def send(content=PDF, **more):
        begun = begin(size=len(content), **more)
        must((call(url, "PUT", begun["url"], None, content, begun["headers"])[0], b""), 200)
        return begun["id"]

    def upload(content=PDF, **more):
        document = send(content, **more)
        must(call(url, "POST", "/api/docs/confirm", token, {"id": document}), 200, 201)
        return until_scanned(url, token, document)

    ids = {"pending": begin()["id"], "available": upload(), "general": upload(patientId=None)}
    ids["invoice"] = upload(category="invoices")
    ids["deleted"] = upload()
    must(call(url, "DELETE", f"/api/docs/{ids['deleted']}", token), 200)
    asked = {"patientId": PATIENT, "filename": "scan.dcm", "size": 20 << 20,
             "contentType": "application/dicom"}
    parts = must(call(url, "POST", "/api/docs/multipart", token, asked), 201)
    ids["parts"] = parts["uploadId"]
    given_up = must(call(url, "POST", "/api/docs/multipart", token, asked), 201)["uploadId"]
    must(call(url, "DELETE", f"/api/docs/multipart/{given_up}", token), 204)
    ids["abandoned"] = given_up
    ids["refused"] = send(PDF.replace(b"%PDF", b"MZ%P"))
    must(call(url, "POST", "/api/docs/confirm", token, {"id": ids["refused"]}), 422)
    ids["purged"] = upload()
    must(call(url, "DELETE", f"/api/docs/{ids['purged']}?permanent=true", token), 200, 202, 204)
    ids["superseded"] = upload()
    ids["newest"] = upload(supersedes=ids["superseded"])
    ids["held"], ids["withdrawn"] = upload(), upload()
    reason = {"reason": "a test"}
    must(call(url, "PUT", f"/api/docs/{ids['held']}/hold", token, reason), 200, 204)
    withdrawn = {"state": "withdrawn", **reason}
    must(call(url, "PUT", f"/api/docs/{ids['withdrawn']}/release", token, withdrawn), 200, 204)
    if infected:
        ids["quarantined"] = upload(infected, filename="notes.txt", contentType="text/plain")
    member = f"/api/patients/{PATIENT}/care-team/test-clinician"
    must(call(url, "PUT", member, token), 204)
    return ids


def configuration(ids, patients):
    """Schemathesis' own: now and then an id that exists."""
    quoted = lambda values: json.dumps(list(values))
    lines = [
        "[dictionaries]",
        f"documents = {{ values = {quoted(ids.values())} }}",
        f"patients = {{ values = {quoted(patients)} }}",
        "[parameters]",
        '"path.id" = { dictionary = "documents", probability = 0.7 }',
        '"path.uploadId" = { dictionary = "documents", probability = 0.7 }',
        '"path.patientId" = { dictionary = "patients", probability = 0.7 }',
        '"body.patientId" = { dictionary = "patients", probability = 0.7 }',
        '"query.patientId" = { dictionary = "patients", probability = 0.5 }',
    ]
    return "\n".join(lines) + "\n"


def run(arguments, role, token, config):
    """One role; whether nothing was found."""
    edges = role == "admin" or arguments.examples > SMALL
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", config,
        "run", f"{arguments.url}/openapi.json", "--checks", "all",
        "--phases", f"examples,{'coverage,' if edges else ''}fuzzing,stateful",
        "--max-examples", str(arguments.examples), "--seed", str(arguments.seed),
        "--generation-database", "none", "--generation-with-security-parameters", "false",
        "--continue-on-failure", "--no-color", "--warnings", "off", "--request-timeout", "30",
        "--suppress-health-check", "all",
    ]
    if arguments.only:
        command += ["--include-operation-id", arguments.only]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    env = {**os.environ, "SCHEMATHESIS_HOOKS": "contract_fuzz_hooks", "NO_PROXY": "*",
           "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("STRONGROOM_FUZZ_TOKENS", None)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)
    said = done.stdout.replace(token, "[token]") if token else done.stdout
    if done.returncode == 0:
        words = (" generated,", "Filtered:", "API Links:")
        counted = [line.strip() for line in said.splitlines() if any(w in line for w in words)]
        print(f"ok {role}: {'; '.join(counted) or 'nothing was asked'}", flush=True)
        return bool(counted)
    print(f"FAILED {role}\n{said}\n{done.stderr}", flush=True)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--examples", type=int, default=3, help="random requests an operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--roles", help="comma separated; all of them when left out")
    parser.add_argument("--workers", type=int, default=2, help="roles at a time")
    parser.add_argument("--only", help="one operationId")
    arguments = parser.parse_args()
    tokens = json.loads(os.environ["STRONGROOM_FUZZ_TOKENS"])
    infected = os.environ.get("STRONGROOM_FUZZ_INFECTED", "").encode()
    ids = seed(arguments.url, tokens["admin"], infected)
    roles = arguments.roles.split(",") if arguments.roles else [*tokens, NOBODY]
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
        config.write(configuration(ids, [PATIENT, "another-patient"]))
        config.flush()
        # Every role, even when one has found something; a few at a time.
        with concurrent.futures.ThreadPoolExecutor(arguments.workers) as pool:
            runs = [pool.submit(run, arguments, r, tokens.get(r), config.name) for r in roles]
            clean = [one.result() for one in runs]
    sys.exit(0 if all(clean) else 1)


if __name__ == "__main__":
    main()
