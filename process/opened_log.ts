/**
 * The log of a running program: where it goes, and what signals do to it.
 *
 * @module
 */
import type { LogLevel } from "../ports/ports.ts";
import { createLog, type SystemLog } from "../ports/system_log.ts";
import { systemClock } from "../ports/system_clock.ts";
import { LogFile } from "../ports/system_log_file.ts";
import { ProcessError, textOf } from "./process_error.ts";

export interface LogChoice {
  readonly logLevel: LogLevel;
  /** `null`: standard error. */
  readonly logFile: string | null;
  readonly json: boolean;
}

async function openFile(path: string): Promise<LogFile> {
  const file = new LogFile(path);
  await file.open().catch((cause) => {
    throw new ProcessError(1, `--log-file: cannot write ${path}: ${textOf(cause)}`, { cause });
  });
  return file;
}

/**
 * Opens the log. SIGHUP has a file opened anew, SIGUSR2 logs everything and once more what was chosen.
 * @throws {ProcessError} For a file that cannot be written now; later it is tried again and again.
 */
export async function openLog({ logLevel, logFile, json }: LogChoice): Promise<SystemLog> {
  const stream = logFile === null ? null : await openFile(logFile);
  const log = createLog({
    clock: systemClock,
    level: logLevel,
    format: json ? "json" : "text",
    ...(stream === null ? {} : { stream }),
  });
  if (Deno.build.os === "windows") return log;
  if (stream !== null) Deno.addSignalListener("SIGHUP", () => stream.reopen());
  // Not SIGUSR1: with that the runtime opens a port for a debugger.
  Deno.addSignalListener("SIGUSR2", () => {
    log.level = log.level === "debug" ? logLevel : "debug";
  });
  return log;
}
