/** A machine with module files whose manifests are known, and the folders that were made on it. */
import { usageError } from "../../cli/command_error.ts";
import type { ModuleKit } from "../../cli/module_kit.ts";
import type { ManifestInput } from "../../protocol/module_manifest.ts";

export const MANIFEST: ManifestInput = {
  name: "photos",
  version: "1.1.0",
  api: 1,
  summary: "Shows pictures",
  permissions: ["photos", "photos_all"],
  frames: [{ type: "new" }, { type: "list", answers: true, permission: "photos_all" }],
  grants: [
    { kind: "folder", name: "pictures", access: "read", why: "To show what lies there" },
    { kind: "peers", why: "To list who may see them" },
  ],
};

export const PHOTOS = "photos.js";
export const CODE = new TextEncoder().encode("// the file of photos\n");
export const CODE_SHA256 = [...new Uint8Array(await crypto.subtle.digest("SHA-256", CODE))]
  .map((byte) => byte.toString(16).padStart(2, "0")).join("");

export interface FakeKit extends ModuleKit {
  /** Every path that was read, in order. */
  readonly read: string[];
  readonly folders: Map<string, Readonly<Record<string, string>>>;
}

/** @param manifest What the one file says of itself; an error for one that does not load. */
export function fakeKit(manifest: unknown = MANIFEST, code: Uint8Array = CODE): FakeKit {
  const read: string[] = [];
  const folders = new Map<string, Readonly<Record<string, string>>>();
  return {
    read,
    folders,
    builtInNames: () => Promise.resolve(["messaging"]),
    readFile(path, maxBytes) {
      read.push(path);
      if (path !== PHOTOS) return Promise.reject(usageError(`${path}: cannot read this file`));
      if (code.length > maxBytes) return Promise.reject(new RangeError("Too long"));
      return Promise.resolve(code.slice());
    },
    inspect: () => manifest instanceof Error ? Promise.reject(manifest) : Promise.resolve(manifest),
    createFolder: (path, files) => Promise.resolve(void folders.set(path, files)),
  };
}
