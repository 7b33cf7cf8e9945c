/**
 * Stand-in for `jsr:@std/dotenv`.
 *
 * @module
 */
import { parse } from "./parse.ts";

export * from "./parse.ts";
export * from "./stringify.ts";

/** Options of {@linkcode load} and {@linkcode loadSync}. */
export interface LoadOptions {
  /** Path of the file, `./.env` if left out; `null` reads none. */
  envPath?: string | null;
  /** Whether to set the process's variables too, but never those that are set already. */
  export?: boolean;
}

function exportAll(values: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(values)) {
    if (Deno.env.get(key) === undefined) Deno.env.set(key, value);
  }
}

function ignoreNotFound(error: unknown): Record<string, string> {
  if (error instanceof Deno.errors.NotFound) return {};
  throw error;
}

/** Reads an `.env` file; one that is not there is empty. */
export async function load(options: LoadOptions = {}): Promise<Record<string, string>> {
  const { envPath = ".env", export: mustExport = false } = options;
  const values = envPath ? await Deno.readTextFile(envPath).then(parse, ignoreNotFound) : {};
  if (mustExport) exportAll(values);
  return values;
}

function readSync(path: string): Record<string, string> {
  try {
    return parse(Deno.readTextFileSync(path));
  } catch (error) {
    return ignoreNotFound(error);
  }
}

/** Like {@linkcode load}, at once. */
export function loadSync(options: LoadOptions = {}): Record<string, string> {
  const { envPath = ".env", export: mustExport = false } = options;
  const values = envPath ? readSync(envPath) : {};
  if (mustExport) exportAll(values);
  return values;
}
