/**
 * The files of an audit log in the data directory.
 *
 * @module
 */
import type { FileInfo, Files } from "../../ports/ports.ts";

/** Where the log ends, signed. */
export const HEAD_FILE = "audit-head";
/** Where the log begins once old files were pruned, signed. */
export const BEGIN_FILE = "audit-begin";

/** What reading a log takes. */
export type LogFiles = Pick<Files, "read" | "list">;

const PREFIX = "audit-";
const LOG_NAME = /^audit-(\d{6,15})\.jsonl$/;

/** One file of lines. */
export interface LogFile extends FileInfo {
  readonly number: number;
}

/** The name of the file of lines with this number. */
export function logFileName(number: number): string {
  return `${PREFIX}${String(number).padStart(6, "0")}.jsonl`;
}

/** All files of lines, in their order. */
export async function listLogFiles(files: Pick<Files, "list">): Promise<LogFile[]> {
  const found: LogFile[] = [];
  for (const info of await files.list(PREFIX)) {
    const number = Number(LOG_NAME.exec(info.name)?.[1] ?? 0);
    if (number > 0 && logFileName(number) === info.name) found.push({ ...info, number });
  }
  return found.sort((a, b) => a.number - b.number);
}
