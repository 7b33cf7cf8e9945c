import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  createOpenDatabase,
  DirectoryLockedError,
  lockDirectory,
  openFiles,
} from "../../ports/system.ts";
import { startOwner } from "./lock_owner.ts";
import { makeTemporaryDirectory } from "./temporary_directory.ts";

function modeOf(path: string): number {
  return Deno.statSync(path).mode! & 0o777;
}

Deno.test("openFiles() writes, reads, replaces and removes", async () => {
  using directory = makeTemporaryDirectory();
  const path = `${directory.path}/data`;
  const files = openFiles(path);
  assertEquals(await files.read("a.json"), null);
  await files.write("a.json", new Uint8Array([1, 2, 3]));
  await files.write("a.json", new Uint8Array([4]));
  assertEquals(await files.read("a.json"), new Uint8Array([4]));
  assertEquals(modeOf(path), 0o700);
  assertEquals(modeOf(`${path}/a.json`), 0o600);
  assertEquals([...Deno.readDirSync(path)].map(({ name }) => name), ["a.json"]);
  await files.remove("a.json");
  await files.remove("a.json");
  assertEquals(await files.read("a.json"), null);
});

Deno.test("openFiles() keeps the order of writes that overlap", async () => {
  using directory = makeTemporaryDirectory();
  const files = openFiles(directory.path);
  const contents = Array.from(
    { length: 20 },
    (_, i) => new Uint8Array(1_000 - i * 40).fill(i),
  );
  await Promise.all(contents.map((content) => files.write("a", content)));
  assertEquals(await files.read("a"), contents.at(-1)!);
});

Deno.test("openFiles() writes the bytes of the call, whatever the caller does to them later", async () => {
  using directory = makeTemporaryDirectory();
  const files = openFiles(directory.path);
  const content = new Uint8Array([1, 2, 3]);
  const written = files.write("a", content);
  content.fill(0);
  await written;
  assertEquals(await files.read("a"), new Uint8Array([1, 2, 3]));
});

Deno.test("openFiles() goes on after a write that failed", async () => {
  using directory = makeTemporaryDirectory();
  const files = openFiles(directory.path);
  Deno.mkdirSync(`${directory.path}/a`);
  await assertRejects(() => files.write("a", new Uint8Array([1])));
  Deno.removeSync(`${directory.path}/a`);
  await files.write("a", new Uint8Array([2]));
  assertEquals(await files.read("a"), new Uint8Array([2]));
});

Deno.test("openFiles() refuses names that could lead elsewhere", async () => {
  using directory = makeTemporaryDirectory();
  const files = openFiles(directory.path);
  for (const name of ["", ".", "..", "../a", "a/b", "a\\b", "c:a", "a\0b"]) {
    await assertRejects(
      () => files.write(name, new Uint8Array()),
      TypeError,
      "Cannot use the name",
    );
    await assertRejects(() => files.read(name), TypeError);
    await assertRejects(() => files.remove(name), TypeError);
  }
});

type FileMethods = Pick<Deno.FsFile, "sync" | "syncData" | "write">;

/** Has all files of this process do something else for a while. */
function changedFiles(change: (real: FileMethods) => Partial<FileMethods>): Disposable {
  const { prototype } = Deno.FsFile;
  const { sync, syncData, write } = prototype;
  Object.assign(prototype, change({ sync, syncData, write }));
  return { [Symbol.dispose]: () => void Object.assign(prototype, { sync, syncData, write }) };
}

/** Tells what is made durable while `run` runs, and which names the folder has at that moment. */
async function syncsOf(folder: string, run: () => Promise<void>): Promise<string[]> {
  const seen: string[] = [];
  const watch = (real: () => Promise<void>) =>
    async function (this: Deno.FsFile): Promise<void> {
      const { isDirectory, size } = this.statSync();
      const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
      seen.push(`${isDirectory ? "folder" : `${size} bytes`} of ${names}`);
      await real.call(this);
    };
  using _changed = changedFiles((real) => ({
    sync: watch(real.sync),
    syncData: watch(real.syncData),
  }));
  await run();
  return seen;
}

Deno.test("openFiles() has every change on disk, the names too, before it is done", async () => {
  using directory = makeTemporaryDirectory();
  const { path } = directory;
  const files = openFiles(path);
  const three = new Uint8Array(3);
  const changes: [() => Promise<void>, string[]][] = [
    [() => files.write("a", three), ["3 bytes of .a.tmp", "folder of a"]],
    [() => files.write("a", new Uint8Array(2)), ["2 bytes of .a.tmp,a", "folder of a"]],
    [() => files.append("b", three), ["3 bytes of a,b", "folder of a,b"]],
    [() => files.append("b", three), ["6 bytes of a,b"]],
    [() => files.truncate("b", 4), ["4 bytes of a,b"]],
    [() => files.rename("b", "c"), ["folder of a,c"]],
    [() => files.remove("a"), ["folder of c"]],
  ];
  for (const [change, syncs] of changes) assertEquals(await syncsOf(path, change), syncs);
});

Deno.test("openFiles() writes all of it, however little the system takes at once", async () => {
  using directory = makeTemporaryDirectory();
  const files = openFiles(directory.path);
  using _changed = changedFiles(({ write }) => ({
    write(this: Deno.FsFile, content: Uint8Array) {
      return write.call(this, content.subarray(0, 2));
    },
  }));
  const content = new Uint8Array([1, 2, 3, 4, 5]);
  await files.write("a", content);
  await files.append("a", content);
  assertEquals(await files.read("a"), new Uint8Array([...content, ...content]));
});

Deno.test("Files.append() takes back what did not become durable", async () => {
  using directory = makeTemporaryDirectory();
  const files = openFiles(directory.path);
  await files.append("a", new Uint8Array([1]));
  {
    using _changed = changedFiles(() => ({ syncData: () => Promise.reject(new Error("Full")) }));
    await assertRejects(() => files.append("a", new Uint8Array([2])), Error, "Full");
  }
  await files.append("a", new Uint8Array([3]));
  assertEquals(await files.read("a"), new Uint8Array([1, 3]));
});

Deno.test("createOpenDatabase() opens durable databases of mode 0600", () => {
  using directory = makeTemporaryDirectory();
  const openDatabase = createOpenDatabase(directory.path);
  const database = openDatabase("a.sqlite");
  database.exec(
    "CREATE TABLE t (x INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)",
  );
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0];
  assertEquals(pragma("journal_mode"), "wal");
  assertEquals(pragma("synchronous"), 2);
  assertEquals(pragma("foreign_keys"), 1);
  assertEquals(pragma("busy_timeout"), 5_000);
  for (const { name } of Deno.readDirSync(directory.path)) {
    assertEquals(modeOf(`${directory.path}/${name}`), 0o600, name);
  }
  database.close();
  const again = openDatabase("a.sqlite");
  assertEquals(
    Object.values(again.prepare("SELECT count(*) FROM t").get()!)[0],
    1,
  );
  again.close();
  assertThrows(() => openDatabase("../a.sqlite"), TypeError);
});

Deno.test("lockDirectory() keeps a second process out, also until the first is killed", async () => {
  using directory = makeTemporaryDirectory();
  const { process: owner } = await startOwner(directory.path);
  try {
    const error = assertThrows(
      () => lockDirectory(directory.path),
      DirectoryLockedError,
    );
    assertEquals(error.pid, owner.pid);
    assert(error.message.includes(`process ${owner.pid} is using it`));
  } finally {
    owner.kill("SIGKILL");
    await owner.status;
  }
  lockDirectory(directory.path).release();
});

Deno.test("lockDirectory() can be released and taken again in one process", () => {
  using directory = makeTemporaryDirectory();
  const lock = lockDirectory(directory.path);
  const error = assertThrows(
    () => lockDirectory(directory.path),
    DirectoryLockedError,
  );
  assertEquals(error.pid, Deno.pid);
  lock.release();
  lock.release();
  lockDirectory(directory.path).release();
});

Deno.test("lockDirectory() keeps others out after a second call in one process was refused", async () => {
  using directory = makeTemporaryDirectory();
  const lock = lockDirectory(directory.path);
  assertThrows(() => lockDirectory(directory.path), DirectoryLockedError);
  const { process, hasLock } = await startOwner(directory.path);
  if (hasLock) process.kill("SIGKILL");
  await process.status;
  assertEquals(hasLock, false);
  lock.release();
});

Deno.test("openFiles() renames, over what is there; what is not there is ignored", async () => {
  using directory = makeTemporaryDirectory();
  const files = openFiles(directory.path);
  await files.write("a", new Uint8Array([1]));
  await files.write("b", new Uint8Array([2]));
  await files.rename("a", "b");
  await files.rename("a", "b");
  assertEquals(await files.read("a"), null);
  assertEquals(await files.read("b"), new Uint8Array([1]));
  await assertRejects(() => files.rename("b", "../b"), TypeError, "Cannot use the name");
});

Deno.test("openFiles() renames over what was written before, in the order of the calls", async () => {
  using directory = makeTemporaryDirectory();
  const files = openFiles(directory.path);
  await files.write("a", new Uint8Array([1]));
  await Promise.all([files.write("b", new Uint8Array([2])), files.rename("a", "b")]);
  assertEquals(await files.read("b"), new Uint8Array([1]));
});
