/**
 * How a line of the log looks. Texts of strangers cannot forge a line, nor colour or turn a terminal.
 *
 * @module
 */
import type { LogFields, LogLevel } from "./ports.ts";

/** JSON, one object a line, or a form for people. */
export type LogFormat = "json" | "text";

/** What is said of something that happened. */
export interface LogLine {
  readonly time: string;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** Whatever is no mark of its own: controls of both sets, direction marks, separators of lines, halves of pairs. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Everything unseen in it as JSON spells it, which both formats use. */
function spell(text: string): string {
  return text.replace(UNSEEN, (character) => {
    let spelled = "";
    for (let at = 0; at < character.length; at++) {
      spelled += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
    }
    return spelled;
  });
}

/** Text with a space, a quote or anything invisible is quoted, so that no value forges a line. */
function formatValue(value: LogFields[string]): string {
  return typeof value === "string" && !/^[\w.:/@+-]+$/.test(value)
    ? spell(JSON.stringify(value))
    : String(value);
}

function formatText({ time, level, event, fields }: LogLine): string {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${formatValue(value)}`);
  return `${time} ${level.padEnd(5)} ${event}${pairs.join("")}\n`;
}

function formatJson({ time, level, event, fields }: LogLine): string {
  const head = { time, level, event };
  return spell(JSON.stringify({ ...head, ...fields, ...head })) + "\n";
}

/** Writes a line, its newline included. Fields named like the line's own members give way in JSON. */
export function formatLine(format: LogFormat, line: LogLine): string {
  return format === "json" ? formatJson(line) : formatText(line);
}
