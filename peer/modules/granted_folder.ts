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

/** It fits into one message to the module. */
const MAX_FILE_BYTES = 960 * 2 ** 10;
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

/** @throws {OpenRedError} `forbidden` where nothing of this name is granted, or not any more. */
export async function grantedFolder(
  folders: GrantedFolders,
  grants: Grants,
  name: string,
): Promise<GrantedFolder> {
  const within = <T>(access: "read" | "write", work: (folder: OpenFolder) => Promise<T>) => {
    // Who may write may read.
    const given = access === "read" && grants.folder(name, "read") === null ? "write" : access;
    const path = grants.folder(name, given);
    if (path === null) {
      throw new OpenRedError("forbidden", `This needs the grant folder:${name}:${access}`);
    }
    return grants.during(
      `folder:${name}:${given}`,
      async () => await work(await folders.open(path)),
    );
  };
  await within("read", () => Promise.resolve());
  return {
    list: async (path) =>
      await within("read", (folder) => folder.list(readPath(path, { mayBeRoot: true }))),
    read: async (path) =>
      await within(
        "read",
        (folder) => folder.read(readPath(path, { mayBeRoot: false }), MAX_FILE_BYTES),
      ),
    write: async (path, content) => {
      if (content.length > MAX_FILE_BYTES) {
        throw new OpenRedError("too_large", `Expected at most ${MAX_FILE_BYTES} bytes`);
      }
      const names = readPath(path, { mayBeRoot: false });
      await within("write", (folder) => folder.write(names, content));
    },
  };
}
