/**
 * Spans as people write them.
 *
 * @module
 */
import { MAX_EXPIRES_MS, MIN_EXPIRES_MS } from "./messaging_api.ts";

const SPAN_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 24 * 3_600_000,
};

/** Reads a span such as `30m`. @throws {RangeError} */
export function parseSpan(text: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const spanMs = Number(digits) * (SPAN_MS[unit] ?? 0);
  if (spanMs >= MIN_EXPIRES_MS && spanMs <= MAX_EXPIRES_MS) return spanMs;
  throw new RangeError("expected a span such as 30m, 12h or 7d, no longer than 366d");
}
