"""Asks the running server everything its contract allows, and much that it does not.

Schemathesis (https://schemathesis.io) reads `/openapi.json` and makes requests from it: edges of
every field, random ones with ids of things that are there, and chains in which one answer leads to
the next question; each once for every role. Before them come requests that are right, to every
operation (`contract_fuzz_seeds.py`). An answer that the contract does not know, a 5xx, a wrong
request that is taken or a right one that is refused ends the run with 1 and shows the request as a
curl line; so does an operation that never gave anybody a good answer.

The server is somebody else's to start: `--url`, and the credentials in STRONGROOM_FUZZ_TOKENS, a
JSON object from role to token. What is written stays. With STRONGROOM_FUZZ_INFECTED, a text that the
server's scanner finds, a document is quarantined too.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile

from contract_fuzz_seeds import USING, Seeds, good, pools

NOBODY = "nobody"
# Up to this many random requests an operation it is a small run: what is wrong on purpose at the
# edges of every field, most of the requests there are, is then tried by one role alone.
SMALL = 5
HERE = pathlib.Path(__file__).resolve().parent
# Operations that need not give anybody a good answer here, each with its reason.
NEVER_GOOD = {
    "setUp": "works once, before there is any user, with a link from the server's log",
}


def configuration(pools, edges):
    """Schemathesis' own: mostly ids that exist. What uses them up is offered others."""
    quoted = lambda values: json.dumps(list(values))
    bound = lambda name, pool, often=0.7: (
        f'"{name}" = {{ dictionary = "{pool}", probability = {often} }}')
    lines = ["[dictionaries]"]
    lines += [f'"{name}" = {{ values = {quoted(values)} }}' for name, values in pools.items()]
    lines += [
        "[parameters]",
        bound("path.id", "documents"), bound("path.recordId", "documents"),
        bound("path.uploadId", "uploads"), bound("path.webhookId", "webhooks"),
        bound("path.deliveryId", "deliveries"), bound("path.userId", "people"),
        bound("path.patientId", "patients"), bound("path.name", "spare users"),
        bound("query.key", "keys"), bound("query.patientId", "patients", 0.5),
        bound("body.patientId", "patients"), bound("body.id", "documents"),
        bound("body.key", "keys"),
    ]
    for kind, operations in USING.items():
        names = {"document": ["id", "recordId"], "upload": ["uploadId"], "webhook": ["webhookId"],
                 "user": ["name"], "key": ["id"]}[kind]
        lines += ["[[operations]]", f"include-operation-id = {quoted(operations)}",
                  "[operations.parameters]"]
        lines += [bound(f"path.{name}", f"spare {kind}s") for name in names]
    if not edges:
        lines += ["[phases.coverage]", 'generation.mode = "positive"']
    return "\n".join(lines) + "\n"


def run(arguments, role, tokens, infected):
    """One role; whether nothing was found, and what it reached by operation."""
    token = tokens.get(role)
    edges = role == arguments.wrong or arguments.examples > SMALL
    seeds = Seeds(arguments.url, tokens["admin"], infected)
    ids = seeds.standing()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        many = 3 + arguments.examples // 10
        (folder / "config.toml").write_text(configuration(pools(seeds, ids, many), edges))
        (folder / "good").write_bytes(pickle.dumps(good(seeds, ids)))
        command = [
            sys.executable, "-m", "schemathesis.cli", "--config-file", "config.toml",
            "run", f"{arguments.url}/openapi.json", "--checks", "all",
            "--phases", "examples,coverage,fuzzing,stateful",
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
        done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)
        reached = folder / "reached.json"
        reached = json.loads(reached.read_text()) if reached.exists() else {}
    said = done.stdout.replace(token, "[token]") if token else done.stdout
    if done.returncode == 0 and reached:
        words = (" generated,", "Filtered:", "API Links:")
        counted = [line.strip() for line in said.splitlines() if any(w in line for w in words)]
        well = sum(any(status.startswith("2") for status in each) for each in reached.values())
        print(f"ok {role}: {well} operations reached; {'; '.join(counted)}", flush=True)
        return True, reached
    print(f"FAILED {role}\n{said}\n{done.stderr}", flush=True)
    return False, reached


def never_good(url, roles, runs):
    """Operations that gave nobody a good answer and are not excused."""
    excused = set(NEVER_GOOD)
    if NOBODY not in roles:
        # It wants a session and no credential beside it.
        excused.add("changePassword")
    said = Seeds(url, "").call("GET", f"{url}/openapi.json")[1]
    every = {each["operationId"] for path in said["paths"].values() for each in path.values()
             if isinstance(each, dict) and "operationId" in each}
    well = {operation for reached in runs for operation, statuses in reached.items()
            if any(status.startswith("2") for status in statuses)}
    return sorted(every - well - excused)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--examples", type=int, default=3, help="random requests an operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--roles", help="comma separated; all of them when left out")
    parser.add_argument("--wrong", default="admin", help="who tries all that is wrong on purpose "
                        "at the edges of fields, in a small run; everybody does in a long one")
    parser.add_argument("--workers", type=int, default=2, help="roles at a time")
    parser.add_argument("--only", help="one operationId")
    parser.add_argument("--show", action="store_true", help="what each role got, by operation")
    arguments = parser.parse_args()
    tokens = json.loads(os.environ["STRONGROOM_FUZZ_TOKENS"])
    infected = os.environ.get("STRONGROOM_FUZZ_INFECTED", "").encode()
    roles = arguments.roles.split(",") if arguments.roles else [*tokens, NOBODY]
    # Every role, even when one has found something; a few at a time.
    with concurrent.futures.ThreadPoolExecutor(arguments.workers) as pool:
        runs = [pool.submit(run, arguments, role, tokens, infected) for role in roles]
        runs = [one.result() for one in runs]
    if arguments.show:
        print(json.dumps({role: reached for role, (_, reached) in zip(roles, runs)}))
    reached = [each for _, each in runs]
    missed = [] if arguments.only else never_good(arguments.url, roles, reached)
    if missed:
        print(f"FAILED: never a good answer to anybody: {', '.join(missed)}")
    sys.exit(0 if all(clean for clean, _ in runs) and not missed else 1)


if __name__ == "__main__":
    main()
