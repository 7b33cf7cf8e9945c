/**
 * Sizes, rates and states of files, for people.
 *
 * @module
 */
import type { FolderCounts } from "../protocol/file_sharing_api.ts";
import { type Cell, type Output, shortId, type Style } from "./output.ts";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** A size, such as `3.4 MiB`. */
export function showBytes(bytes: number): string {
  let unit = 0;
  let size = bytes;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${UNITS[unit]}`;
}

const STYLES: Readonly<Record<string, Style>> = {
  ready: "green",
  accepted: "green",
  done: "green",
  failed: "red",
  declined: "red",
  cancelled: "red",
  expired: "red",
};

/** A state, in the colour of what it means. */
export function stateCell(state: string): Cell {
  return { text: state, style: STYLES[state] ?? "yellow" };
}

/** Whom something is shared with, or comes from: the owner's name for it where there is one. */
export function peerCell(
  { peer, petname }: { readonly peer: string; readonly petname: string | null },
): Cell {
  return petname === null
    ? { text: peer, short: shortId(peer), style: "cyan" }
    : { text: petname, style: "bold" };
}

/** The name of the only file, or how many there are. */
export function showFiles(files: readonly { readonly name: string }[]): string {
  return files.length === 1 ? files[0]!.name : `${files.length} files`;
}

/** Says what is in a folder and not shared. */
export async function noteLeftOut(
  out: Output,
  { files }: {
    readonly files: readonly { readonly name: string; readonly folder?: FolderCounts }[];
  },
): Promise<void> {
  for (const { name, folder } of files) {
    if (folder === undefined || folder.left_out === 0) continue;
    const what = folder.left_out === 1
      ? "1 link or special file"
      : `${folder.left_out} links or special files`;
    await out.line({ text: "Left out", style: "yellow" }, ` of ${name}: ${what}`);
  }
}
