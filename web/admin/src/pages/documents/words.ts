/** The words of documents as people read them. */
export const CATEGORIES: Record<string, string> = {
  "medical-records": "Medical records",
  prescriptions: "Prescriptions",
  "lab-results": "Lab results",
  imaging: "Imaging",
  insurance: "Insurance",
  "consent-forms": "Consent forms",
  "intake-forms": "Intake forms",
  invoices: "Invoices",
  other: "Other",
};

export const STATES: Record<string, { name: string; color: string }> = {
  available: { name: "available", color: "teal" },
  scanning: { name: "being scanned", color: "blue" },
  quarantined: { name: "quarantined", color: "red" },
  deleted: { name: "in the trash", color: "gray" },
  pending: { name: "upload under way", color: "yellow" },
  abandoned: { name: "never completed", color: "gray" },
  refused: { name: "refused", color: "orange" },
  purged: { name: "erased", color: "dark" },
};

/** What a list shows where nobody asks for a state: what is in use, without the trash and what never came to be. */
export const IN_USE = "available,scanning,quarantined";
export const EVERY = Object.keys(STATES).join(",");

export const SORTS: Record<string, string> = { "-created": "Newest first", created: "Oldest first", filename: "By name", "-size": "Largest first" };

/** Kinds of files as people ask for them; the values are the API's. */
export const TYPES: Record<string, string> = {
  "application/pdf": "PDF",
  image: "Images",
  medical: "DICOM",
  "application/msword,application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
  "application/vnd.ms-excel,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet,text/csv": "Tables",
  "text/plain": "Text",
  sealed: "Sealed (age)",
};

/** What the trail says of a document, for people. */
export const RELEASES: Record<string, string> = { held: "not yet shown", released: "shown", withdrawn: "withdrawn" };

export function category(name: string): string {
  return CATEGORIES[name] ?? name;
}

export const options = (words: Record<string, string>) => Object.entries(words).map(([value, label]) => ({ value, label }));

/** What a person calls a media type. */
export function typeName(mime: string): string {
  const known: Record<string, string> = {
    "application/pdf": "PDF",
    "application/dicom": "DICOM",
    "application/msword": "Word",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "application/vnd.ms-excel": "Excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel",
    "text/plain": "Text",
    "text/csv": "CSV",
    "image/svg+xml": "SVG",
    "application/vnd.age": "Sealed file (age)",
  };
  return known[mime] ?? (mime.split("/")[1] ?? mime).toUpperCase();
}
