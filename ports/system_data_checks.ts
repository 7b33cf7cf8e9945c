/**
 * Looks at a data directory: modes, names, room.
 *
 * @module
 */
import { statfsSync } from "node:fs";
import { join } from "node:path";
import { type Check, checkRuntime, wrong } from "../protocol/doctor.ts";
import { checkData, type DataKind, type SeenData, type SeenFile } from "./data_checks.ts";
import { storageReason } from "./storage_problem.ts";

/** A name of the program's own, so that what a crash leaves is recognised. */
const PROBE = ".doctor.tmp";
const PROBE_BYTES = 4_096;

async function seeFiles(path: string): Promise<SeenFile[]> {
  const seen: SeenFile[] = [];
  for await (const { name, isFile } of Deno.readDir(path)) {
    if (!isFile) continue;
    const info = await Deno.lstat(join(path, name)).catch(() => null);
    if (info !== null) seen.push({ name, mode: info.mode });
  }
  return seen.sort((a, b) => a.name < b.name ? -1 : 1);
}

function freeBytesOf(path: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** @returns Why nothing can be written, or `null`. */
async function tryWriting(path: string): Promise<string | null> {
  const probe = join(path, PROBE);
  try {
    using file = await Deno.open(probe, { write: true, create: true, mode: 0o600 });
    await file.write(new Uint8Array(PROBE_BYTES));
    await file.sync();
    return null;
  } catch (cause) {
    return storageReason(cause);
  } finally {
    await Deno.remove(probe).catch(() => {});
  }
}

/** Looks at a data directory and at the runtime. */
export async function checkMachine(path: string, kind: DataKind): Promise<Check[]> {
  const runtime = checkRuntime(Deno.version.deno);
  const folder = await Deno.stat(path).catch(() => null);
  if (folder === null || !folder.isDirectory) {
    const missing = wrong("data", {
      found: `There is no data directory ${path}, or it cannot be read`,
      means: "Nothing was started here, or it belongs to somebody else",
      mend: "Say with --data where it is, and ask as the user who runs the program",
    });
    return [runtime, missing];
  }
  let files: readonly SeenFile[];
  try {
    files = await seeFiles(path);
  } catch (cause) {
    const closed = wrong("data", {
      found: `The data directory ${path} cannot be read: ${storageReason(cause)}`,
      means: "It belongs to another user",
      mend: "Ask as the user who runs the program",
    });
    return [runtime, closed];
  }
  const seen: SeenData = {
    path,
    folder,
    files,
    freeBytes: freeBytesOf(path),
    writeFailure: await tryWriting(path),
  };
  return [runtime, ...checkData(seen, kind)];
}
