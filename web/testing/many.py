"""Fills the database of a server that is not running with very many made-up documents and events, as
benches/load does: `many.py strongroom.sqlite 100000`. Of their bytes there is nothing.

Indexes and triggers are taken away meanwhile: kept up row by row they cost ten times what making them anew does.
"""

import sqlite3
import sys
import time

CLINIC = bytes.fromhex("00000000000070008000000000000001")
CATEGORIES = "medical-records prescriptions lab-results imaging insurance consent-forms invoices other".split()
WORDS = "letter scan report".split()
PATIENTS = 500


def row(i, newest):
    at = newest - i * 60_000_000
    state = "deleted" if i % 20 == 3 else "available"
    words = f"{WORDS[i % 3]} visit {'rheumatology ' if i % 5000 == 7 else ''}{i} pdf"
    name = words.replace(" pdf", ".pdf")
    identity = bytes.fromhex(f"018900000000700080000000{i:08x}")
    return (
        identity, CLINIC, f"test-patient-{i * 7919 % PATIENTS}", "test-user", "local", "strongroom",
        f"patients/made-up/{i}.pdf", "application/pdf", 1000 + i * 7919 % 5_000_000, "e3b0c442" * 8,
        at, at, state, at, at, at, "0" * 32, '"0"', CATEGORIES[i % len(CATEGORIES)], "released",
        name, name, words,
    )  # fmt: skip


COLUMNS = """id clinic_id patient_id owner_user_id storage_provider bucket object_key content_type byte_size
    sha256_hex created_at updated_at state upload_expires_at upload_closed_at confirmed_at version_id etag category
    release_state file_name file_name_folded file_words""".split()

FIGURES = """
    insert into name_entries (document_id) select id from document_assets where name_tokens is not null;
    insert into name_search (rowid, tokens) select number, name_tokens
        from name_entries join document_assets on id = document_id order by number;
    delete from document_counts; delete from document_days;
    insert into document_counts select clinic_id, category, state, storage_provider, coalesce(storage_class, ''),
        count(*), sum(byte_size) from document_assets group by 1, 2, 3, 4, 5;
    insert into document_days select clinic_id, confirmed_at / 86400000000, category, count(*), sum(byte_size)
        from document_assets where confirmed_at is not null group by 1, 2, 3;
"""


def event(i, newest):
    identity = bytes.fromhex(f"018800000000700080000000{i:08x}")
    at = newest - (200_000 - i) * 30_000_000
    who = ("user", f"test-user-{i % 40}", "clinician", "document", f"test-patient-{i % PATIENTS}")
    kind, actor, roles, target, patient = who
    return (identity, at, CLINIC, "document.read", "granted", kind, actor, roles, target, patient, f"r{i}")


def main(path, count):
    db = sqlite3.connect(path, isolation_level=None)
    newest = int(time.time() * 1e6)
    made = db.execute(
        "select type, name, sql from sqlite_schema where tbl_name = 'document_assets'"
        " and type in ('index', 'trigger') and sql is not null"
    ).fetchall()
    db.execute("pragma synchronous = off")
    db.execute("begin")
    for kind, name, _ in made:
        db.execute(f"drop {kind} {name}")
    places = ", ".join("?" * len(COLUMNS))
    insert = f"insert into document_assets ({', '.join(COLUMNS)}) values ({places})"
    db.executemany(insert, (row(i, newest) for i in range(1, count + 1)))
    for statement in FIGURES.split(";"):
        db.execute(statement)
    for _, _, sql in made:
        db.execute(sql)
    db.executemany(
        "insert into audit_events (id, at, clinic_id, action, outcome, actor_kind, actor_id, actor_roles,"
        " target_kind, patient_id, request_id) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (event(i, newest) for i in range(1, count + 1)),
    )
    db.execute("commit")
    db.execute("analyze")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
