"""Makes files with something inside: a document with a file among its pictures, a PDF with an attachment, a PDF
with a password.

    infected.py docx|pdf|locked SAMPLE < what is inside > file

What is inside is compressed, so that only a scanner that unpacks finds it.
"""

import io
import sys
import zipfile
import zlib


def docx(sample: str, inside: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(sample) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry, old.read(entry))
        new.writestr("word/media/note.txt", b" " * 500 + inside + b" " * 500)
    return out.getvalue()


def pdf(_: str, inside: bytes) -> bytes:
    packed = zlib.compress(b" " * 500 + inside + b" " * 500)
    return written(
        b"",
        b"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [(a.txt) 4 0 R] >> >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
        b"<< /Type /Filespec /F (a.txt) /EF << /F 5 0 R >> >>",
        stream(b"/Type /EmbeddedFile", packed),
    )


def locked(_: str, inside: bytes) -> bytes:
    zeros = b"<" + b"00" * 32 + b">"
    return written(
        b"/Encrypt 5 0 R /ID [<00> <00>]",
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>",
        stream(b"", zlib.compress(inside[::-1])),
        b"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O %s /U %s >>" % (zeros, zeros),
    )


def stream(kind: bytes, packed: bytes) -> bytes:
    head = b"<< %s /Filter /FlateDecode /Length %d >>" % (kind, len(packed))
    return head + b"\nstream\n" + packed + b"\nendstream"


def written(more: bytes, *objects: bytes) -> bytes:
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    begin, count = len(out), len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % count
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        count,
        more,
        begin,
    )
    return bytes(out)


made = {"docx": docx, "pdf": pdf, "locked": locked}[sys.argv[1]]
sys.stdout.buffer.write(made(sys.argv[2], sys.stdin.buffer.read()))
