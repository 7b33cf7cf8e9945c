/**
 * `openred-central doctor`, which `central.ts` loads when it is asked for.
 *
 * @module
 */
import { examineDirectory } from "./directory/examination.ts";
import type { DoctorOptions } from "./directory/options.ts";
import { KEYSTORE_FILE } from "./ports/keystore_files.ts";
import { SECRET_FILE } from "./ports/node_secret.ts";
import { systemClock } from "./ports/system_clock.ts";
import { checkMachine } from "./ports/system_data_checks.ts";
import { createSystemHttpClient } from "./ports/system_http.ts";
import { readAuthorities } from "./process/certificates.ts";
import { ProcessError } from "./process/process_error.ts";
import { tell } from "./process/telling.ts";
import { ADMIN_FILE, adminFileSchema, type ServedAt } from "./protocol/admin_api.ts";
import type { Check } from "./protocol/doctor.ts";
import { parseJson } from "./protocol/schemas.ts";
import * as v from "valibot";

const DATA = { database: "directory.db", needed: [KEYSTORE_FILE, SECRET_FILE] };
const WIDTH = "unknown".length + 2;

function textOf({ name, state, found, means, mend }: Check): string {
  const below = " ".repeat(WIDTH);
  return `${state.padEnd(WIDTH)}${name}: ${found}\n` +
    (means === null ? "" : `${below}${means}\n`) + (mend === null ? "" : `${below}→ ${mend}\n`);
}

/** Where the directory of this data directory is called, as it said itself when it started; `null` where none runs. */
async function servedAt(dataDirectory: string): Promise<ServedAt | null> {
  try {
    const content = await Deno.readFile(`${dataDirectory}/${ADMIN_FILE}`);
    return v.parse(adminFileSchema, parseJson(content)).serves ?? null;
  } catch {
    return null;
  }
}

/** What was said of the directory, or else what it says itself. */
async function placeOf(
  options: DoctorOptions,
): Promise<Pick<DoctorOptions, "url" | "allowPrivate">> {
  const serves = options.isUsual ? await servedAt(options.dataDirectory) : null;
  if (serves === null) return options;
  const { url, allow_private: allowPrivate } = serves;
  return { url, allowPrivate: options.allowPrivate || allowPrivate };
}

/** Prints what is wrong and how to mend it. @returns The exit code: 1 if something is wrong. */
export async function runDoctor(options: DoctorOptions): Promise<number> {
  try {
    const authorities = readAuthorities(options.ca);
    const parts = { clock: systemClock, http: createSystemHttpClient({ authorities }) };
    const checks = [
      ...await checkMachine(options.dataDirectory, DATA),
      ...await examineDirectory(parts, { ...options, ...await placeOf(options) }),
    ];
    const ok = checks.every(({ state }) => state !== "wrong");
    const text = options.json ? `${JSON.stringify({ ok, checks })}\n` : checks.map(textOf).join("");
    tell(Deno.stdout, text);
    return ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    tell(Deno.stderr, `error: ${error.message}\n`);
    return error.exitCode;
  }
}
