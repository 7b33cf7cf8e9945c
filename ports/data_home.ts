/**
 * Where a user's programs keep their data.
 *
 * @module
 */

export interface DataHomeWorld {
  /** As the runtime names it: `linux`, `darwin`, `windows` … */
  readonly os: string;
  /** A variable of the environment. */
  env(name: string): string | undefined;
}

/** The folder of a program's data, or `null` where the environment names no home. */
export function dataHome(program: string, { os, env }: DataHomeWorld): string | null {
  const set = (name: string) => env(name) || null;
  if (os === "windows") {
    const local = set("LOCALAPPDATA");
    return local === null ? null : `${local}\\${program}`;
  }
  const home = set("HOME");
  if (os === "darwin") {
    return home === null ? null : `${home}/Library/Application Support/${program}`;
  }
  // What is not absolute is to be ignored (XDG Base Directory Specification).
  const base = set("XDG_DATA_HOME");
  if (base?.startsWith("/")) return `${base.replace(/\/+$/, "")}/${program}`;
  return home === null ? null : `${home}/.local/share/${program}`;
}
