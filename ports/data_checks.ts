/**
 * What is looked at in a data directory, by both programs' `doctor`. Nothing here reads a file's content.
 *
 * @module
 */
import { type Check, good, unknown, wrong } from "../protocol/doctor.ts";
import { isProgramFile } from "./data_names.ts";

const MIB = 2 ** 20;
/** With less than this a backup, a checkpoint or the audit log may fail. */
const LITTLE_BYTES = 256 * MIB;

/** A file of the directory, or the directory itself. */
export interface SeenFile {
  readonly name: string;
  /** `null` where the system has none. */
  readonly mode: number | null;
}

/** What was seen of a data directory. */
export interface SeenData {
  readonly path: string;
  readonly folder: Pick<SeenFile, "mode">;
  readonly files: readonly SeenFile[];
  /** `null` where the system does not say. */
  readonly freeBytes: number | null;
  /** Why a small file could not be written there; `null` if it could. */
  readonly writeFailure: string | null;
}

/** Which files belong together. */
export interface DataKind {
  readonly database: string;
  /** Without these the database is of no use. */
  readonly needed: readonly string[];
}

/** Judges a directory. */
export function checkData(seen: SeenData, kind: DataKind): Check[] {
  return [checkModes(seen), checkFiles(seen, kind), checkDisk(seen)];
}

function isOpen(mode: number | null): boolean {
  return mode !== null && (mode & 0o077) !== 0;
}

function checkModes({ path, folder, files }: SeenData): Check {
  const open = files.filter(({ name, mode }) => isProgramFile(name) && isOpen(mode));
  const names = open.map(({ name }) => name);
  if (!isOpen(folder.mode) && names.length === 0) {
    return good("modes", "Nobody else can read the data directory");
  }
  const found = isOpen(folder.mode)
    ? `${path} has the mode ${(folder.mode! & 0o777).toString(8)}`
    : `Others can read or write ${names.join(", ")}`;
  return wrong("modes", {
    found,
    means: "Whoever else has an account here may read keys, tokens and messages, or change them",
    mend: [
      ...(isOpen(folder.mode) ? [`chmod 700 ${path}`] : []),
      ...(names.length === 0
        ? []
        : [`chmod 600 ${names.map((name) => `${path}/${name}`).join(" ")}`]),
    ].join("; "),
  });
}

function checkFiles({ path, files }: SeenData, { database, needed }: DataKind): Check {
  const names = new Set(files.map(({ name }) => name));
  const missing = needed.filter((name) => !names.has(name));
  if (!names.has(database)) {
    return unknown("keystore", {
      found: `There is no ${database} in ${path}: nothing was started here`,
      mend: "Say with --data where the data is",
    });
  }
  if (missing.length === 0) return good("keystore", `${database} and its keys are there`);
  return wrong("keystore", {
    found: `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not there`,
    means: "The identity that this database belongs to cannot be opened",
    mend: "Put the file back from where it went, or restore a backup into an empty directory",
  });
}

function checkDisk({ path, freeBytes, writeFailure }: SeenData): Check {
  const mend = `Make room on the disk of ${path}, or move the data to a larger one`;
  if (writeFailure !== null) {
    return wrong("disk", {
      found: `Nothing can be written to ${path}: ${writeFailure}`,
      means: "Messages are refused, tokens are not renewed and nothing is noted",
      mend,
    });
  }
  if (freeBytes === null) {
    return unknown("disk", { found: "The system does not say how much room there is", mend });
  }
  const free = `${Math.floor(freeBytes / MIB)} MiB are free on the disk of ${path}`;
  if (freeBytes >= LITTLE_BYTES) return good("disk", free);
  return wrong("disk", {
    found: free,
    means: "Soon messages are refused, tokens are not renewed and nothing is noted",
    mend,
  });
}
