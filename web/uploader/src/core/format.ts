// Sizes, times and names as people read them: in the language the app says, else in the browser's.

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** `2.1 MB`: decimal units, as file managers show them. */
export function formatSize(bytes: number, locale?: string): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const format = new Intl.NumberFormat(locale, {
    style: "unit",
    unit: UNITS[unit] ?? "byte",
    unitDisplay: unit === 0 ? "long" : "short",
    maximumFractionDigits: unit === 0 || value >= 100 ? 0 : 1,
  });
  // Number and unit stay on one line.
  return format.format(value).replace(" ", "\u00a0");
}

/** A limit, and never more than it is: `5 GB` for 5 GiB as for 5,099,000,000 bytes. */
export function formatLimit(bytes: number, locale?: string): string {
  const power = Math.min(3, Math.floor(Math.log(bytes) / Math.log(1024)));
  // Whoever set it in powers of two meant that number.
  if (power > 0 && bytes % 1024 ** power === 0) return formatSize((bytes / 1024 ** power) * 1000 ** power, locale);
  const unit = 1000 ** Math.min(3, Math.floor(Math.log10(bytes) / 3));
  const step = bytes < 100 * unit ? unit / 10 : unit;
  return formatSize(Math.floor(bytes / step) * step, locale);
}

/** `22 Nov 2026` */
export function formatDate(iso: string, locale?: string): string {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
  return format.format(new Date(iso)).replaceAll(" ", "\u00a0");
}

/** `pasted-20261122-091405.png`: browsers call every pasted picture and every photo the same. */
export function datedName(what: string, extension: string, at: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  const time = `${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
  return `${what}-${day}-${time}.${extension}`;
}
