/**
 * A folder that the owner granted a module: opened anew for each call, so that a grant that was taken back is cut at
 * once.
 *
 * @module
 */
import type { GrantedFolder } from "../../modules/api.ts";
import type { GrantedFolders, OpenFolder } from "../../ports/granted_folders.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { Grants } from "./grants.ts";

const MAX_FILE_BYTES = 4 * 2 ** 20;
const MAX_DEPTH = 32;
const MAX_NAME_LENGTH = 255;

/** @throws {OpenRedError} `bad_request`. */
function readPath(path: string, options: { readonly mayBeRoot: boolean }): string[] {
  const names = path === "" ? [] : path.split("/");
  const isFit = names.length <= MAX_DEPTH && names.every(isName);
  if (!isFit || (names.length === 0 && !options.mayBeRoot)) {
    throw new OpenRedError("bad_request", "Expected a path of names with / between them");
  }
  return names;
}

function isName(name: string): boolean {
  // deno-lint-ignore no-control-regex
  return !["", ".", ".."].includes(name) && !/[\x00-\x1f\x7f\\:]/.test(name) &&
    name.length <= MAX_NAME_LENGTH && name.isWellFormed();
}

/** @throws {OpenRedError} `forbidden` where nothing of this name is granted. */
export function grantedFolder(
  folders: GrantedFolders,
  grants: Grants,
  name: string,
): Promise<GrantedFolder> {
  const open = (access: "read" | "write"): Promise<OpenFolder> => {
    const path = grants.folder(name, access) ??
      (access === "read" ? grants.folder(name, "write") : null);
    if (path !== null) return folders.open(path);
    throw new OpenRedError("forbidden", `This needs the grant folder:${name}:${access}`);
  };
  return open("read").then(() => ({
    list: async (path) => await (await open("read")).list(readPath(path, { mayBeRoot: true })),
    read: async (path) =>
      await (await open("read")).read(readPath(path, { mayBeRoot: false }), MAX_FILE_BYTES),
    write: async (path, content) => {
      if (content.length > MAX_FILE_BYTES) {
        throw new OpenRedError("too_large", `Expected at most ${MAX_FILE_BYTES} bytes`);
      }
      await (await open("write")).write(readPath(path, { mayBeRoot: false }), content);
    },
  }));
}
