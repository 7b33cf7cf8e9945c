/**
 * Times as people read and write them: in a zone, to the second.
 *
 * @module
 */

/** Where a person's clock is: minutes by which it is ahead of UTC at an instant. */
export type Zone = (atMs: number) => number;

export const UTC: Zone = () => 0;

const MINUTE_MS = 60_000;

/** An instant for people; in UTC it ends with Z. Instants that no calendar has are shown as numbers. */
export function showInstant(atMs: number, zone: Zone): string {
  const date = new Date(atMs);
  if (Number.isNaN(date.getTime())) return String(atMs);
  const shown = new Date(atMs + zone(atMs) * MINUTE_MS);
  if (Number.isNaN(shown.getTime())) return String(atMs);
  const text = shown.toISOString().slice(0, -5).replace("T", " ");
  return zone === UTC ? `${text}Z` : text;
}

/** The instant at which clocks of a zone show what those of UTC show at `shownMs`. */
export function instantOf(shownMs: number, zone: Zone): number {
  const near = shownMs - zone(shownMs) * MINUTE_MS;
  return shownMs - zone(near) * MINUTE_MS;
}

/** Members that hold instants, in milliseconds since the epoch, in what nodes answer. */
const INSTANT_NAME = /^(?:(?:.*_)?(?:at|since|until)|timestamp|last_seen|lease_end)$/;

/** The same value with its instants as programs of all kinds read them: `2026-09-21T14:13:20.000Z`. */
export function withInstants(value: unknown, name = ""): unknown {
  if (typeof value === "number" && INSTANT_NAME.test(name)) {
    const date = new Date(value);
    return Number.isNaN(date.getTime()) ? value : date.toISOString();
  }
  if (Array.isArray(value)) return value.map((item) => withInstants(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, withInstants(member, key)]),
  );
}
