import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { isProgramFile } from "../../ports/data_names.ts";
import {
  createOpenDatabase,
  DirectoryLockedError,
  hasOtherNames,
  lockDirectory,
  openFiles,
} from "../../ports/system.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { startOwner } from "./lock_owner.ts";
import { makeTemporaryDirectory } from "./temporary_directory.ts";

function modeOf(path: string): number {
  return Deno.statSync(path).mode! & 0o7777;
}

function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

Deno.test("prepareDirectory() leaves an empty directory as it is until it holds a database", () => {
  using directory = makeTemporaryDirectory();
  for (const mode of [0o755, 0o750, 0o701]) {
    Deno.chmodSync(directory.path, mode);
    openFiles(directory.path);
    lockDirectory(directory.path).release();
    assertEquals(modeOf(directory.path), mode);
  }
  createOpenDatabase(directory.path)("node.db").close();
  assertEquals(modeOf(directory.path), 0o700);
});

Deno.test("prepareDirectory() takes access of others away from a directory with files of these programs", () => {
  for (const name of ["node.db", "directory.db", "node-secret"]) {
    using directory = makeTemporaryDirectory();
    Deno.writeTextFileSync(`${directory.path}/${name}`, "");
    Deno.writeTextFileSync(`${directory.path}/notes`, "of its owner");
    for (const mode of [0o755, 0o777, 0o750, 0o701]) {
      Deno.chmodSync(directory.path, mode);
      openFiles(directory.path);
      assertEquals(modeOf(directory.path), 0o700, name);
    }
  }
});

Deno.test("prepareDirectory() refuses folders of others, changes nothing there and leaves nothing", () => {
  const folders: [number, string[]][] = [
    [0o1777, []],
    [0o1777, ["node.db"]],
    [0o1700, ["node.db"]],
    [0o755, ["README"]],
    [0o750, ["README", "keystore"]],
    [0o711, [".env", "package.json"]],
  ];
  for (const [mode, names] of folders) {
    using directory = makeTemporaryDirectory();
    const { path } = directory;
    for (const name of names) Deno.writeTextFileSync(`${path}/${name}`, "", { mode: 0o644 });
    Deno.chmodSync(path, mode);
    for (const use of [openFiles, lockDirectory, createOpenDatabase]) {
      const error = assertThrows(() => use(path), OpenRedError, `${path} is no data directory`);
      assertEquals(error.code, "forbidden");
    }
    assertEquals(modeOf(path), mode);
    assertEquals(namesIn(path), names);
    for (const name of names) assertEquals(modeOf(`${path}/${name}`), 0o644);
  }
});

Deno.test("prepareDirectory() takes a folder that nobody else can look into, whatever lies there", () => {
  using directory = makeTemporaryDirectory();
  Deno.writeTextFileSync(`${directory.path}/README`, "");
  openFiles(directory.path);
  assertEquals(modeOf(directory.path), 0o700);
});

Deno.test("prepareDirectory() follows a link to a directory, and names one that leads nowhere", () => {
  using directory = makeTemporaryDirectory();
  const { path } = directory;
  Deno.symlinkSync(`${path}/real`, `${path}/link`);
  assertThrows(() => openFiles(`${path}/link`), OpenRedError, "is a link that leads nowhere");
  Deno.mkdirSync(`${path}/real`, { mode: 0o755 });
  createOpenDatabase(`${path}/link`)("node.db").close();
  assertEquals([modeOf(`${path}/real`), namesIn(`${path}/real`)], [0o700, ["node.db"]]);
  const lock = lockDirectory(`${path}/link`);
  assertThrows(() => lockDirectory(`${path}/real`), DirectoryLockedError);
  lock.release();
  Deno.writeTextFileSync(`${path}/file`, "");
  assertThrows(() => openFiles(`${path}/file`), OpenRedError, "is no directory");
});

Deno.test("lockDirectory() takes access of others away from files of these programs, and from no others", () => {
  using directory = makeTemporaryDirectory();
  const { path } = directory;
  const ours = ["node.db", "node.db-wal", "keystore", "node-secret", ".env", "audit-000001.jsonl"];
  for (const name of [...ours, "notes"]) {
    Deno.writeTextFileSync(`${path}/${name}`, "");
    Deno.chmodSync(`${path}/${name}`, 0o666);
  }
  lockDirectory(path).release();
  for (const name of ours) assertEquals(modeOf(`${path}/${name}`), 0o600, name);
  assertEquals(modeOf(`${path}/notes`), 0o666);
});

Deno.test("lockDirectory() refuses every file of these programs that is a link, by name", () => {
  const names = [
    ...["node.db", "node.db-wal", "directory.db", "keystore", "node-secret", ".env", "audit-head"],
    ...[
      "audit-000001.jsonl",
      "admin.json",
      "lock.sqlite",
      "lock.pid",
      "write-count",
      ".keystore.tmp",
    ],
  ];
  for (const name of names) {
    for (const leads of [true, false]) {
      using directory = makeTemporaryDirectory();
      const { path } = directory;
      Deno.mkdirSync(`${path}/data`, { mode: 0o700 });
      if (leads) Deno.writeTextFileSync(`${path}/elsewhere`, "", { mode: 0o644 });
      Deno.symlinkSync(`${path}/elsewhere`, `${path}/data/${name}`);
      assertThrows(() => lockDirectory(`${path}/data`), OpenRedError, `${name} in`);
      assertEquals(namesIn(`${path}/data`), [name]);
      if (leads) assertEquals(modeOf(`${path}/elsewhere`), 0o644);
    }
  }
});

Deno.test("openFiles() and createOpenDatabase() refuse links, and openFiles() lists them", async () => {
  using directory = makeTemporaryDirectory();
  const { path } = directory;
  const data = `${path}/data`;
  const files = openFiles(data);
  Deno.writeTextFileSync(`${path}/elsewhere`, "there");
  Deno.symlinkSync(`${path}/elsewhere`, `${data}/a`);
  Deno.symlinkSync(`${path}/nowhere`, `${data}/b`);
  Deno.symlinkSync(`${path}/elsewhere`, `${data}/.c.tmp`);
  assertEquals((await files.list("")).map(({ name }) => name), [".c.tmp", "a", "b"]);
  const content = new Uint8Array([1]);
  for (const name of ["a", "b"]) {
    const calls = [
      () => files.read(name),
      () => files.write(name, content),
      () => files.append(name, content),
      () => files.truncate(name, 1),
      () => files.remove(name),
      () => files.rename(name, "d"),
    ];
    for (const call of calls) {
      const error = await assertRejects(call, OpenRedError, `${name} in ${data} is a link`);
      assertEquals(error.code, "forbidden");
    }
    assertThrows(() => createOpenDatabase(data)(name), OpenRedError, "is a link");
  }
  await assertRejects(() => files.write("c", content), OpenRedError, ".c.tmp in");
  assertEquals(Deno.readTextFileSync(`${path}/elsewhere`), "there");
  assertEquals(namesIn(path), ["data", "elsewhere"]);
});

Deno.test("hasOtherNames() sees a hard link", () => {
  using directory = makeTemporaryDirectory();
  const { path } = directory;
  assertEquals(hasOtherNames(path, "a"), false);
  Deno.writeTextFileSync(`${path}/a`, "");
  assertEquals(hasOtherNames(path, "a"), false);
  Deno.linkSync(`${path}/a`, `${path}/b`);
  assertEquals(hasOtherNames(path, "a"), true);
});

Deno.test("lockDirectory() keeps a second process out although the lock's files were removed", async () => {
  for (const database of ["node.db", "directory.db"]) {
    using directory = makeTemporaryDirectory();
    const { path } = directory;
    const { process: owner } = await startOwner(path, database);
    try {
      for (const name of namesIn(path)) {
        if (name.startsWith("lock.")) Deno.removeSync(`${path}/${name}`);
      }
      assertThrows(() => lockDirectory(path), DirectoryLockedError, "another process");
      assertThrows(() => lockDirectory(path), DirectoryLockedError, "another process");
    } finally {
      owner.kill("SIGKILL");
      await owner.status;
    }
    lockDirectory(path).release();
  }
});

Deno.test("lockDirectory() leaves a database that does not open to whoever opens it", () => {
  using directory = makeTemporaryDirectory();
  Deno.writeTextFileSync(
    `${directory.path}/node.db`,
    "this is no database, whatever its name may say",
  );
  lockDirectory(directory.path).release();
});

Deno.test("isProgramFile() knows what the programs write, and nothing like it", () => {
  const ours = [
    ...[
      "keystore",
      "node-secret",
      "node.db-shm",
      "backup.db",
      "directory.db-journal",
      ".env.damaged",
    ],
    ...["former-z6Mk1.audit-000012.jsonl", "former-z6Mk1.node-secret", "restoring", "succession"],
  ];
  const others = [
    "README",
    "audit.jsonl",
    "keystore.old",
    "node.db.bak",
    "former-.audit-head",
    ".envrc",
  ];
  assertEquals(ours.filter((name) => !isProgramFile(name)), []);
  assertEquals(others.filter(isProgramFile), []);
});
