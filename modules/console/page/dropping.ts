/**
 * Sending files that the browser was given: piece by piece to the node, which shares them from its own disk.
 *
 * @module
 */
import { type Signal, signal } from "@preact/signals";
import type { PlacesView } from "../../../protocol/admin_api.ts";
import {
  type DroppedView,
  type DropView,
  type FolderView,
} from "../../../protocol/file_sharing_api.ts";
import { ApiError, get, post } from "./api.ts";
import { toBase64Url } from "./base64url.ts";

const PIECE_BYTES = 384 * 1024;
const FOLDER_KEY = "openred_folder";
const FOLDER_NAME = "OpenRed";
const SENT_NAME = "Sent";

export interface Drop {
  readonly name: string;
  readonly bytes: number;
  readonly done: Signal<number>;
  readonly stop: AbortController;
}

/** Files on their way to the node, by whom they are for. */
export const drops: Signal<ReadonlyMap<string, readonly Drop[]>> = signal(new Map());

/** Where files land: as was chosen here, or in a folder of this program at the owner's home. @throws {ApiError} */
export async function landingFolder(): Promise<string> {
  const chosen = chosenFolder();
  if (chosen !== "") return chosen;
  const { home } = await get<PlacesView>("/admin/v1/places");
  if (home === null) throw new ApiError("no_folder", "");
  return await makeFolder(home, FOLDER_NAME);
}

/** @param folder An empty text for the one at home. */
export function chooseFolder(folder: string): void {
  localStorage.setItem(FOLDER_KEY, folder);
}

export function chosenFolder(): string {
  return localStorage.getItem(FOLDER_KEY) ?? "";
}

async function makeFolder(parent: string, name: string): Promise<string> {
  return (await post<FolderView>("/m/file_sharing/folders", { parent, name })).folder;
}

function change(to: string, edit: (list: readonly Drop[]) => readonly Drop[]): void {
  const next = new Map(drops.value);
  const list = edit(next.get(to) ?? []);
  if (list.length === 0) next.delete(to);
  else next.set(to, list);
  drops.value = next;
}

/** @returns The path at the node; `null` where it was stopped. @throws {ApiError} */
async function bring(file: File, drop: Drop, folder: string): Promise<string | null> {
  const { id } = await post<DropView>("/m/file_sharing/drops", {
    folder,
    name: file.name,
    bytes: file.size,
  });
  try {
    for (let at = 0; at < file.size && !drop.stop.signal.aborted; at += PIECE_BYTES) {
      const data = toBase64Url(await file.slice(at, at + PIECE_BYTES).bytes());
      const taken = await post<DropView>(`/m/file_sharing/drops/${id}`, { at, data });
      drop.done.value = taken.at;
    }
    if (!drop.stop.signal.aborted) {
      return (await post<DroppedView>(`/m/file_sharing/drops/${id}/finish`)).path;
    }
  } catch (error) {
    await post(`/m/file_sharing/drops/${id}/cancel`).catch(() => undefined);
    throw error;
  }
  await post(`/m/file_sharing/drops/${id}/cancel`);
  return null;
}

/**
 * Brings files to the node.
 * @param to Whom they are for: the place where their progress is shown.
 * @returns Their paths there. @throws {ApiError}
 */
export async function bringFiles(to: string, files: readonly File[]): Promise<string[]> {
  const folder = await makeFolder(await landingFolder(), SENT_NAME);
  const list = files.map((file): Drop => ({
    name: file.name,
    bytes: file.size,
    done: signal(0),
    stop: new AbortController(),
  }));
  change(to, (before) => [...before, ...list]);
  try {
    const paths: string[] = [];
    for (const [at, file] of files.entries()) {
      const path = await bring(file, list[at]!, folder);
      if (path !== null) paths.push(path);
      change(to, (before) => before.filter((drop) => drop !== list[at]));
    }
    return paths;
  } finally {
    change(to, (before) => before.filter((drop) => !list.includes(drop)));
  }
}
