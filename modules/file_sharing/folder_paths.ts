/**
 * Where the entries of a folder go here: each part of a path under a clean name, and no two under one.
 *
 * @module
 */
import type { ManifestEntry } from "../../protocol/folder_manifest.ts";
import { cleanName, foldName, numberedName } from "./file_names.ts";

/** Parts of a path, from the folder that was shared on. */
export type LocalPath = readonly string[];

export interface LocalFolder {
  /** Empty folders. */
  readonly folders: readonly LocalPath[];
  /** One behind the other, as their content lies in that of the folder. */
  readonly files: readonly LocalFile[];
}

export interface LocalFile {
  readonly path: LocalPath;
  readonly length: number;
  /** When it is to have been changed last; now, unless it says so. */
  readonly modifiedAt?: number;
}

/** What is below one folder. */
class Names {
  readonly #given = new Map<string, { readonly name: string; below: Names | null }>();
  readonly #taken = new Set<string>();
  /** The number that a name was given last. */
  readonly #numbers = new Map<string, number>();

  /** @returns The name of a part here, the same each time. */
  of(part: string): { readonly name: string; readonly below: () => Names } {
    const known = this.#given.get(part) ?? { name: this.#free(cleanName(part)), below: null };
    this.#given.set(part, known);
    return { name: known.name, below: () => known.below ??= new Names() };
  }

  #free(clean: string): string {
    const folded = foldName(clean);
    for (let number = (this.#numbers.get(folded) ?? 0) + 1;; number++) {
      const name = number === 1 ? clean : numberedName(clean, number);
      this.#numbers.set(folded, number);
      if (this.#taken.has(foldName(name))) continue;
      this.#taken.add(foldName(name));
      return name;
    }
  }
}

/**
 * The same for the same entries, so that a transfer finds what it has written before.
 * @param keepTimes Whether the files keep theirs.
 */
export function localFolder(
  entries: readonly ManifestEntry[],
  { keepTimes }: { readonly keepTimes: boolean },
): LocalFolder {
  const root = new Names();
  const folders: LocalPath[] = [];
  const files: LocalFile[] = [];
  for (const { path, length, modifiedAt } of entries) {
    const parts = path.split("/");
    const local: string[] = [];
    let names = root;
    for (const part of parts) {
      const { name, below } = names.of(part);
      local.push(name);
      names = below();
    }
    if (length === null) folders.push(local);
    else {
      const time = keepTimes && modifiedAt !== undefined ? { modifiedAt } : {};
      files.push({ path: local, length, ...time });
    }
  }
  return { folders, files };
}
