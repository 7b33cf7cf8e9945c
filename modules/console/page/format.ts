/**
 * How the console writes times, sizes and names.
 *
 * @module
 */
import { UNFIT_INVISIBLE } from "../../../protocol/invisibles.ts";
import { language, t, tn } from "./language.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The language of the page, as it is written where the reader lives. */
function locale(): string {
  return navigator.languages.find((tag) => tag.startsWith(language.value)) ?? language.value;
}

const INVISIBLE = new RegExp(UNFIT_INVISIBLE, "gu");

/** Text of others with what cannot be seen made visible; line ends and tabs stay. */
export function shown(text: string): string {
  return text.replace(
    INVISIBLE,
    (found) => found === "\n" || found === "\t" ? found : "\uFFFD",
  );
}

const STYLES = {
  time: { timeStyle: "short" },
  date: { dateStyle: "medium", timeStyle: "short" },
  day: { dateStyle: "full" },
  near: { day: "numeric", month: "short" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

/** What writes times, by language and style: making one costs more than a message that is drawn. */
const writers = new Map<string, Intl.DateTimeFormat>();

function written(ms: number, style: keyof typeof STYLES): string {
  const key = `${locale()} ${style}`;
  let writer = writers.get(key);
  if (writer === undefined) {
    writer = new Intl.DateTimeFormat(locale(), STYLES[style]);
    writers.set(key, writer);
  }
  return writer.format(ms);
}

export function formatBytes(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
  let [value, at] = [bytes, 0];
  while (value >= 1000 && at < units.length - 1) [value, at] = [value / 1000, at + 1];
  return new Intl.NumberFormat(locale(), {
    style: "unit",
    unit: units[at]!,
    unitDisplay: at === 0 ? "long" : "short",
    maximumFractionDigits: value < 10 && at > 0 ? 1 : 0,
  }).format(value);
}

export function formatTime(ms: number): string {
  return written(ms, "time");
}

export function formatDate(ms: number): string {
  return written(ms, "date");
}

/** The day of a message: today, yesterday, or its date. */
export function formatDay(ms: number): string {
  const start = (at: number) => new Date(at).setHours(0, 0, 0, 0);
  const days = Math.round((start(Date.now()) - start(ms)) / DAY_MS);
  if (days === 0) return t("time.today");
  if (days === 1) return t("time.yesterday");
  return written(ms, "day");
}

/** A time that is short where it is near. */
export function formatWhen(ms: number): string {
  const isToday = new Date(ms).toDateString() === new Date().toDateString();
  return isToday ? formatTime(ms) : written(ms, "near");
}

export function formatDuration(ms: number): string {
  if (ms < MINUTE_MS) return tn("time.seconds", Math.max(0, Math.round(ms / 1000)));
  if (ms < HOUR_MS) return tn("time.minutes", Math.round(ms / MINUTE_MS));
  if (ms < 2 * DAY_MS) return tn("time.hours", Math.round(ms / HOUR_MS));
  return tn("time.days", Math.round(ms / DAY_MS));
}

export function formatNumber(value: number): string {
  return new Intl.NumberFormat(locale()).format(value);
}

/** An id as people tell it apart at a glance. */
export function shortId(id: string): string {
  return id.length <= 14 ? id : `${id.slice(0, 6)}…${id.slice(-4)}`;
}
