/**
 * Another process that holds the lock of a data directory.
 *
 * @module
 */

/**
 * Starts a process that takes the lock and keeps it. Whoever does not get it ends.
 * @param database A database that it opens and keeps open, as a program does.
 */
export async function startOwner(
  path: string,
  database: string | null = null,
): Promise<{ process: Deno.ChildProcess; hasLock: boolean }> {
  const code = `
    import { createOpenDatabase, lockDirectory } from ${
    JSON.stringify(import.meta.resolve("../../ports/system.ts"))
  };
    const path = ${JSON.stringify(path)};
    const name = ${JSON.stringify(database)};
    lockDirectory(path);
    const open = name === null ? null : createOpenDatabase(path)(name);
    open?.exec("CREATE TABLE t (x)");
    console.log("locked");
    setInterval(() => {}, 1000);
  `;
  const file = `${path}/owner.ts`;
  Deno.writeTextFileSync(file, code);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      `--config=${config}`,
      "-A",
      file,
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = process.stdout.getReader();
  const { done } = await reader.read();
  await reader.cancel();
  return { process, hasLock: !done };
}
