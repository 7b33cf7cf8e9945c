/**
 * Options that name a moment.
 *
 * @module
 */
import { type OptionSpec, valueOption } from "./options.ts";
import { instantOf, type Zone } from "./zone.ts";

/** A moment, as it was written: `shownMs` is what UTC's clocks would call so, and a person's own do. */
export type Instant =
  | { readonly atMs: number }
  | { readonly shownMs: number }
  | { readonly agoMs: number };

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?Z?$/;

/** @returns Milliseconds since the epoch, or `null` for what no calendar has, such as February 30. */
function parseDate(text: string): number | null {
  if (!DATE.test(text)) return null;
  const atMs = Date.parse(
    text.length <= 11 ? text.slice(0, 10) : `${text.replace(" ", "T").replace(/Z$/, "")}Z`,
  );
  if (Number.isNaN(atMs) || atMs < 0) return null;
  return new Date(atMs).toISOString().startsWith(text.slice(0, 10)) ? atMs : null;
}

/** Reads `2h` (that long ago), `2026-09-21T14:13:20` by a person's own clocks, or `2026-09-21T14:13:20Z`. */
export function parseInstant(text: string): Instant {
  const [, count, unit = ""] = /^(\d{1,6})(s|min|h|d)$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (count !== undefined && unitMs !== undefined) return { agoMs: Number(count) * unitMs };
  const atMs = parseDate(text);
  if (atMs === null) {
    throw new RangeError(
      "expected a span such as 90s, 15min, 2h, 7d, or a date such as 2026-09-21T14:00",
    );
  }
  return text.endsWith("Z") ? { atMs } : { shownMs: atMs };
}

/** Now, and whose clocks a person looks at. */
export interface Now {
  readonly nowMs: number;
  readonly zone: Zone;
}

/** The moment in milliseconds since the epoch; a span counts back from now. */
export function resolveInstant(instant: Instant, { nowMs, zone }: Now): number {
  if ("agoMs" in instant) return Math.max(0, Math.floor(nowMs - instant.agoMs));
  return "atMs" in instant ? instant.atMs : Math.max(0, instantOf(instant.shownMs, zone));
}

/** Describes `--since` or `--until`. */
export function instantOption(
  names: { readonly flag: string; readonly summary: string },
): OptionSpec<Instant | null> {
  return valueOption<Instant | null>({
    ...names,
    value: "TIME",
    defaultText: "none",
    fallback: null,
    parse: parseInstant,
  });
}

/** A span counts from now on. */
export function momentOf(instant: Instant, now: Now): number {
  return "agoMs" in instant ? now.nowMs + instant.agoMs : resolveInstant(instant, now);
}
