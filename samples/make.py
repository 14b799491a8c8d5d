"""Makes the sample documents in this folder and opens each one again to prove that it is valid.

    python3 -m venv target/samples-venv
    target/samples-venv/bin/pip install -r samples/requirements.txt
    target/samples-venv/bin/python samples/make.py

Everything in them is made up: the patient is called Test Patient, the clinic Example Clinic, the
pictures are drawn by the code below. Nothing here comes from a real person or a real device.
"""

import csv
import datetime
import math
import pathlib
import re
import zipfile

import docx
import numpy
import openpyxl
import pillow_heif
import pydicom
import pypdf
from PIL import Image, ImageDraw, ImageFilter
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

HERE = pathlib.Path(__file__).resolve().parent
LIMIT = 60 * 1024
PATIENT = "Test Patient"
WHEN = datetime.datetime(2026, 1, 15, 9, 30)
WHEN_XML = WHEN.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
NOTE = "Made-up sample. Not a medical document."


def noise(size, strength, seed):
    """Grey grain, the same on every run."""
    rng = numpy.random.default_rng(seed)
    grain = rng.normal(0, strength, (size[1], size[0]))
    return grain


def referral_letter(path):
    styles = getSampleStyleSheet()
    body = [
        Paragraph("Example Clinic", styles["Title"]),
        Paragraph("Referral letter", styles["Heading2"]),
        Paragraph(f"Patient: {PATIENT}, born 1 January 1970", styles["BodyText"]),
        Paragraph("Date: 15 January 2026", styles["BodyText"]),
        Spacer(1, 12),
        Paragraph("Dear colleague,", styles["BodyText"]),
        Paragraph(
            "thank you for seeing this patient, who has had pain in the right knee for six weeks "
            "after a fall. Walking downstairs makes it worse. There is no locking and no fever. "
            "The film of the knee is attached. Please assess and advise on further treatment.",
            styles["BodyText"],
        ),
        Spacer(1, 12),
        Table([["Knee", "Bend", "Swelling"], ["right", "110°", "slight"], ["left", "140°", "none"]]),
        Spacer(1, 24),
        Paragraph("Dr Example, Example Clinic", styles["BodyText"]),
        Paragraph(NOTE, styles["Italic"]),
    ]
    SimpleDocTemplate(
        str(path), pagesize=A4, title="Referral letter", author="Example Clinic", invariant=1
    ).build(body)


def check_pdf(path):
    text = pypdf.PdfReader(path).pages[0].extract_text()
    assert PATIENT in text and NOTE in text, text


def knee(size):
    """Something like a film of a knee: two bones and the joint between them."""
    width, height = size
    film = Image.new("L", size, 18)
    draw = ImageDraw.Draw(film)
    draw.rounded_rectangle((width * 0.22, -20, width * 0.78, height + 20), 60, fill=62)
    middle = height * 0.5
    draw.rounded_rectangle((width * 0.38, -20, width * 0.62, middle - 40), 20, fill=170)
    draw.ellipse((width * 0.30, middle - 90, width * 0.51, middle - 8), fill=186)
    draw.ellipse((width * 0.49, middle - 90, width * 0.70, middle - 8), fill=186)
    draw.rounded_rectangle((width * 0.31, middle + 4, width * 0.69, middle + 70), 26, fill=182)
    draw.rounded_rectangle((width * 0.39, middle + 40, width * 0.60, height + 20), 20, fill=168)
    draw.rounded_rectangle((width * 0.65, middle + 50, width * 0.71, height + 20), 8, fill=140)
    draw.ellipse((width * 0.41, middle - 130, width * 0.59, middle - 45), fill=205)
    film = film.filter(ImageFilter.GaussianBlur(6))
    grey = numpy.clip(numpy.asarray(film, dtype=float) + noise(size, 5, 1), 0, 255)
    return Image.fromarray(grey.astype("uint8"))


def knee_xray(path):
    film = knee((480, 640))
    draw = ImageDraw.Draw(film)
    draw.text((16, 14), f"{PATIENT}  R KNEE  SAMPLE", fill=230, font_size=16)
    film.save(path, "JPEG", quality=72, dpi=(150, 150))


def skin(size, seed):
    rng = numpy.random.default_rng(seed)
    base = numpy.zeros((size[1], size[0], 3))
    base[:] = (214, 172, 148)
    small = rng.normal(0, 9, (size[1] // 8 + 1, size[0] // 8 + 1))
    grain = numpy.kron(small, numpy.ones((8, 8)))[: size[1], : size[0]]
    base += grain[..., None]
    return Image.fromarray(numpy.clip(base, 0, 255).astype("uint8")).filter(
        ImageFilter.GaussianBlur(5)
    )


def wound(size, seed):
    """A graze on skin beside a ruler."""
    picture = skin(size, seed)
    draw = ImageDraw.Draw(picture)
    width, height = size
    for step in range(14):
        angle = step * 0.45
        x = width * 0.5 + math.cos(angle) * width * 0.1
        y = height * 0.42 + math.sin(angle) * height * 0.07
        draw.ellipse((x - 38, y - 22, x + 38, y + 22), fill=(168 - step * 3, 62, 58))
    picture = picture.filter(ImageFilter.GaussianBlur(3))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((30, height - 60, width - 30, height - 20), fill=(245, 245, 240))
    for mark in range(0, width - 60, 20):
        tall = 18 if mark % 100 == 0 else 9
        draw.line((30 + mark, height - 60, 30 + mark, height - 60 + tall), fill=(20, 20, 20))
    draw.text((36, height - 40), f"cm   {PATIENT}, sample", fill=(20, 20, 20), font_size=14)
    return picture


def wound_photo(path):
    # A palette keeps the file small without making it anything but an ordinary PNG.
    wound((400, 300), 2).quantize(64).save(path, "PNG", optimize=True)


def phone_photo(path):
    picture = pillow_heif.from_pillow(wound((480, 360), 3))
    picture.save(path, quality=60)


def chest_ct(path):
    """One slice: body, two lungs, spine, in Hounsfield units at 12 bits."""
    size = 128
    y, x = numpy.mgrid[0:size, 0:size]

    def oval(cx, cy, rx, ry):
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1

    units = numpy.full((size, size), -1000.0)
    units[oval(64, 66, 56, 42)] = 40
    units[oval(40, 62, 19, 28)] = -850
    units[oval(88, 62, 19, 28)] = -850
    units[oval(60, 60, 11, 13)] = 55
    units[oval(64, 96, 8, 8)] = 400
    units += numpy.random.default_rng(4).normal(0, 12, units.shape)
    pixels = numpy.clip(units + 1024, 0, 4095).astype("<u2")

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    # From the UUID-derived root (2.25), fixed so that the file is the same on every run.
    meta.MediaStorageSOPInstanceUID = "2.25.329800735698586629295641978511506172918"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = "2.25.129800735698586629295641978511506172919"

    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = meta.MediaStorageSOPClassUID
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID = "2.25.229800735698586629295641978511506172920"
    data.SeriesInstanceUID = "2.25.229800735698586629295641978511506172921"
    data.PatientName = "Patient^Test"
    data.PatientID = "TEST-0001"
    data.PatientBirthDate = "19700101"
    data.PatientSex = "O"
    data.StudyDate = data.ContentDate = WHEN.strftime("%Y%m%d")
    data.StudyTime = data.ContentTime = WHEN.strftime("%H%M%S")
    data.AccessionNumber = "SAMPLE1"
    data.ReferringPhysicianName = "Example^Doctor"
    data.StudyID = "1"
    data.SeriesNumber = 1
    data.InstanceNumber = 1
    data.Modality = "CT"
    data.ConversionType = "SYN"
    data.Manufacturer = "Strongroom samples"
    data.BodyPartExamined = "CHEST"
    data.ImageComments = NOTE
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelRepresentation = 0
    data.RescaleIntercept, data.RescaleSlope = "-1024", "1"
    data.WindowCenter, data.WindowWidth = "-300", "1500"
    data.PixelData = pixels.tobytes()
    data.save_as(path, enforce_file_format=True)


def check_dicom(path):
    data = pydicom.dcmread(path)
    assert path.read_bytes()[128:132] == b"DICM"
    assert data.pixel_array.shape == (128, 128) and data.Modality == "CT"
    assert str(data.PatientName) == "Patient^Test"


def still(path):
    """Packs a zip-based file again with fixed times, so that it is the same on every run."""
    with zipfile.ZipFile(path) as old:
        entries = [(info.filename, old.read(info)) for info in old.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in entries:
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", WHEN_XML, data)
            new.writestr(zipfile.ZipInfo(name, (2026, 1, 15, 9, 30, 0)), data, zipfile.ZIP_DEFLATED)


def treatment_plan(path):
    document = docx.Document()
    document.core_properties.author = "Example Clinic"
    document.core_properties.created = document.core_properties.modified = WHEN
    document.add_heading("Treatment plan", 1)
    document.add_paragraph(f"Patient: {PATIENT}, born 1 January 1970")
    for step in (
        "Week 1 and 2: rest, ice, gentle bending twice a day.",
        "Week 3 to 6: physiotherapy twice a week, exercises at home daily.",
        "Week 7: check-up with a new film if the pain is still there.",
    ):
        document.add_paragraph(step, style="List Number")
    table = document.add_table(rows=1, cols=2, style="Table Grid")
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Goal", "By"
    for goal, by in (("Bend to 130°", "1 March 2026"), ("Stairs without pain", "15 March 2026")):
        row = table.add_row().cells
        row[0].text, row[1].text = goal, by
    document.add_paragraph(NOTE)
    document.save(path)
    still(path)


def check_docx(path):
    document = docx.Document(path)
    assert any(PATIENT in p.text for p in document.paragraphs) and len(document.tables) == 1


def fee_schedule(path):
    book = openpyxl.Workbook()
    book.properties.creator = "Example Clinic"
    book.properties.created = book.properties.modified = WHEN
    sheet = book.active
    sheet.title = "Fees 2026"
    sheet.append(["Code", "Service", "Fee", "Note"])
    rows = [
        ("E01", "First consultation", 120.0, ""),
        ("E02", "Follow-up", 60.0, ""),
        ("E10", "X-ray, one joint", 85.5, ""),
        ("E20", "Physiotherapy, 30 minutes", 45.0, "series of six"),
    ]
    for row in rows:
        sheet.append(row)
    sheet.append(["", "Total", f"=SUM(C2:C{len(rows) + 1})", NOTE])
    sheet.column_dimensions["B"].width = 32
    book.save(path)
    still(path)


def check_xlsx(path):
    sheet = openpyxl.load_workbook(path)["Fees 2026"]
    assert sheet["B2"].value == "First consultation" and sheet["C6"].value == "=SUM(C2:C5)"


EXERCISES = [
    ("exercise", "sets", "repeats", "per day", "note"),
    ("Heel slide", "3", "10", "2", "slowly, without pain"),
    ("Straight leg raise", "3", "8", "2", "hold for 3 seconds"),
    ("Calf stretch", "2", "30 s", "1", "both sides"),
    ("Step-up", "2", "10", "1", "from week 4, low step"),
]


def home_exercises(path):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(EXERCISES)


def check_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        assert [tuple(row) for row in csv.reader(file)] == EXERCISES


def page(title, lines, size=(620, 877)):
    """A typed page with a signature, in black and white."""
    sheet = Image.new("L", size, 255)
    draw = ImageDraw.Draw(sheet)
    draw.text((60, 60), title, fill=0, font_size=30)
    for number, line in enumerate(lines):
        draw.text((60, 130 + number * 34), line, fill=0, font_size=18)
    points = [(330 + t * 3, 700 + 24 * math.sin(t / 4) * math.cos(t / 11)) for t in range(70)]
    draw.line(points, fill=0, width=3)
    draw.line((320, 740, 560, 740), fill=0)
    draw.text((320, 748), PATIENT, fill=0, font_size=16)
    draw.text((60, 820), NOTE, fill=0, font_size=14)
    return sheet


def consent(path):
    first = page(
        "Consent to treatment",
        ["I have been told about the treatment,", "its risks and what else could be done.",
         "I agree to it.", "", "Example Clinic, 15 January 2026"],
    ).convert("1")
    second = page("Consent to treatment, page 2", ["I may withdraw this at any time."]).convert("1")
    first.save(
        path, "TIFF", compression="group4", dpi=(75, 75), save_all=True, append_images=[second]
    )


def scan(path):
    sheet = page(
        "Insurance card",
        [f"Name: {PATIENT}", "Number: TEST 0001", "Insurer: Example Mutual", "Valid until 12/2029"],
    )
    sheet.rotate(1.2, fillcolor=235).save(path, "WEBP", quality=60)


def diagram(path):
    """How to do a heel slide: four frames."""
    frames = []
    for step in range(4):
        frame = Image.new("P", (240, 160), 0)
        frame.putpalette([255, 255, 255, 30, 60, 110, 200, 80, 60])
        draw = ImageDraw.Draw(frame)
        draw.line((20, 130, 220, 130), fill=1, width=2)
        knee_at, heel = (110, 120 - step * 22), 200 - step * 22
        draw.line(((40, 124), knee_at, (heel, 124)), fill=1, width=8, joint="curve")
        draw.ellipse((knee_at[0] - 7, knee_at[1] - 7, knee_at[0] + 7, knee_at[1] + 7), fill=2)
        draw.text((10, 8), f"Heel slide {step + 1}/4 (sample)", fill=1, font_size=14)
        frames.append(frame)
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:], duration=500, loop=0)


def notes(path):
    path.write_text(
        f"{NOTE}\n\nPatient: {PATIENT}\n15 January 2026, telephone\n\n"
        "Knee better than last week. Sleeps through. Bends to about 115°.\n"
        "Goes on with the exercises; next visit on 29 January.\n",
        encoding="utf-8",
    )


def check_text(path):
    assert PATIENT in path.read_text(encoding="utf-8")


def picture_check(kind, frames=1):
    def check(path):
        with Image.open(path) as picture:
            assert picture.format == kind, picture.format
            assert getattr(picture, "n_frames", 1) == frames, picture.n_frames
            for number in range(frames):
                picture.seek(number)
                picture.load()

    return check


SAMPLES = {
    "referral-letter.pdf": (referral_letter, check_pdf),
    "knee-xray.jpg": (knee_xray, picture_check("JPEG")),
    "wound-photo.png": (wound_photo, picture_check("PNG")),
    "phone-photo.heic": (phone_photo, picture_check("HEIF")),
    "chest-ct.dcm": (chest_ct, check_dicom),
    "treatment-plan.docx": (treatment_plan, check_docx),
    "fee-schedule.xlsx": (fee_schedule, check_xlsx),
    "home-exercises.csv": (home_exercises, check_csv),
    "consent.tiff": (consent, picture_check("TIFF", 2)),
    "scan.webp": (scan, picture_check("WEBP")),
    "diagram.gif": (diagram, picture_check("GIF", 4)),
    "notes.txt": (notes, check_text),
}


def main():
    pillow_heif.register_heif_opener()
    for name, (make, check) in SAMPLES.items():
        path = HERE / name
        make(path)
        check(path)
        size = path.stat().st_size
        assert 0 < size < LIMIT, f"{name}: {size} bytes, at most {LIMIT} allowed"
        print(f"{name:22} {size:6} bytes")


if __name__ == "__main__":
    main()
