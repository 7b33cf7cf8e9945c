/**
 * The browser of this machine, handed a page in a file.
 *
 * @module
 */
import { CONSOLE_FILE } from "./data_names.ts";
import { FILE_MODE, pathInDirectory } from "./system_data_directory.ts";

/** What opens a file with the program that the person has chosen for it. */
const OPENERS: Readonly<Record<string, string>> = { darwin: "open", windows: "explorer" };
const OTHER_OPENER = "xdg-open";
export const PAGE_OPENERS: readonly string[] = [...Object.values(OPENERS), OTHER_OPENER];

/** Writes the page, in the place of a former one. @returns Its absolute path. */
export async function writePage(data: string, html: string): Promise<string> {
  const path = pathInDirectory(await Deno.realPath(data), CONSOLE_FILE);
  await removePage(path);
  await Deno.writeTextFile(path, html, { createNew: true, mode: FILE_MODE });
  return path;
}

export async function removePage(path: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** @returns Whether a browser was started, as far as the system says. */
export async function openPage(path: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(OPENERS[Deno.build.os] ?? OTHER_OPENER, {
      args: [path],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    // There is none, or this program may not start it.
    return false;
  }
}
