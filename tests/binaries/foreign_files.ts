/**
 * Runs a binary where somebody else has left files for it: whatever the runtime would take from the working folder or
 * from that of temporary files, it must not look at.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

import { basename } from "node:path";

/** What a runtime writes besides its work, it has written by then. */
const SETTLED_MS = 2_000;
/** Whoever opens the pipe below waits for ever. */
const MAX_RUN_MS = 20_000;
/** So old that a reading is noted, however the file system saves such notes. */
const LONG_AGO = new Date("2001-01-01T00:00:00Z");

/** What a runtime looks for beside a program, each made to be noticed where it is taken. */
const TRAPS: readonly (readonly [name: string, content: string])[] = [
  [".env", "OPENRED_LISTEN=nowhere\nOPENRED_LOG_LEVEL=nothing\n"],
  [".npmrc", "registry=http://127.0.0.1:1/\n"],
  ["deno.json", '{"imports":{"hono":"./trap.js"},"unstable":["nothing"]}'],
  ["package.json", '{"dependencies":{"hono":"file:./trap.js"}}'],
  ["trap.js", 'throw new Error("The trap was taken");\n'],
];

interface Folders {
  readonly temporary: string;
  readonly working: string;
  readonly data: string;
}

/**
 * A pipe that nobody writes to stands where Deno looks for compiled code unless it is told not to: a program that opens
 * it says nothing any more.
 */
async function makeFolders(root: string, binary: string): Promise<Folders> {
  const folders = {
    temporary: `${root}/temporary`,
    working: `${root}/working`,
    data: `${root}/data`,
  };
  await Deno.mkdir(folders.temporary);
  await Deno.mkdir(folders.working);
  if (Deno.build.os !== "windows") {
    const pipe = `${folders.temporary}/deno-compile-${basename(binary)}.cache`;
    const { success } = await new Deno.Command("mkfifo", { args: [pipe] }).output();
    assertEquals(success, true);
  }
  for (const [name, content] of TRAPS) {
    await Deno.writeTextFile(`${folders.working}/${name}`, content);
    await Deno.utime(`${folders.working}/${name}`, LONG_AGO, LONG_AGO);
  }
  return folders;
}

/** What lies in a folder, and when each was read and written last. */
async function look(folder: string): Promise<string[]> {
  const seen = [];
  for await (const { name } of Deno.readDir(folder)) {
    const { atime, mtime } = await Deno.stat(`${folder}/${name}`);
    seen.push(`${name} ${atime?.toISOString()} ${mtime?.toISOString()}`);
  }
  return seen.sort();
}

/** @returns The first that a program says, once its runtime has had the time to write what it writes later. */
async function runFor(child: Deno.ChildProcess): Promise<string> {
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  if (value !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    child.kill("SIGTERM");
  }
  const [err] = await Promise.all([new Response(child.stderr).text(), child.status]);
  await reader.cancel();
  return value ?? `nothing, and on standard error ${err}`;
}

/**
 * Runs a binary among files of others.
 * @throws {AssertionError} Where it took, read or left any.
 */
export async function runAmongForeignFiles(binary: string): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    const { temporary, working, data } = await makeFolders(root, binary);
    const before = [await look(temporary), await look(working)];
    const child = new Deno.Command(binary, {
      args: ["run", "--listen", "127.0.0.1:0", "--json", "--data", data],
      cwd: working,
      env: { TMPDIR: temporary, TMP: temporary, TEMP: temporary },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(MAX_RUN_MS),
    }).spawn();
    assertEquals((await runFor(child)).slice(0, 7), "ready {");
    assertEquals([await look(temporary), await look(working)], before);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
