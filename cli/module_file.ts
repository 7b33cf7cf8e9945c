/**
 * A module's file, before anybody has agreed to it: read once, so that what is shown is what is sent.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { OpenRedError } from "../protocol/errors.ts";
import { type Manifest, MAX_MODULE_BYTES, readFileManifest } from "../protocol/module_manifest.ts";
import { parsePath } from "./option_values.ts";
import { usageError } from "./command_error.ts";
import type { CommandContext } from "./command.ts";
import { unlessStopped } from "./interruption.ts";
import { NOTHING_LOADED } from "./module_questions.ts";
import type { OptionSpecs } from "./options.ts";
import { sanitizeLine } from "../protocol/safe_text.ts";

export interface ModuleFile {
  readonly path: string;
  readonly code: Uint8Array;
  /** Of `code`, hex. */
  readonly sha256: string;
  readonly manifest: Manifest;
}

/** Errors of a file come with stack traces of the house below their first line. */
function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return sanitizeLine(text.split("\n", 1)[0] ?? "");
}

async function readCode(
  { moduleKit }: Pick<CommandContext<OptionSpecs>, "moduleKit">,
  path: string,
): Promise<Uint8Array> {
  try {
    const code = await moduleKit.readFile(parsePath(path), MAX_MODULE_BYTES);
    if (code.length > 0) return code;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw usageError(`<file>: expected a file of 1 to ${MAX_MODULE_BYTES} bytes`);
}

function readText(code: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(code);
  } catch (cause) {
    throw usageError("<file>: the file is not UTF-8", { cause });
  }
}

/**
 * Reads a file, and runs it apart from the node to see what it says of itself.
 * @throws {CommandError} Exit code 2 for what is no module.
 */
export async function readModuleFile(
  context: Pick<CommandContext<OptionSpecs>, "moduleKit" | "signal">,
  path: string,
): Promise<ModuleFile> {
  const code = await readCode(context, path);
  const text = readText(code);
  const sha256 = createHash("sha256").update(code).digest("hex");
  const inspected = context.moduleKit.inspect(text).catch((cause) => {
    throw usageError(`<file>: ${firstLine(cause)}`, { cause });
  });
  const said = await unlessStopped(context.signal, NOTHING_LOADED, inspected);
  try {
    return { path, code, sha256, manifest: readFileManifest(said) };
  } catch (cause) {
    if (!(cause instanceof OpenRedError)) throw cause;
    throw usageError(`<file>: its manifest: ${cause.message}`, { cause });
  }
}
