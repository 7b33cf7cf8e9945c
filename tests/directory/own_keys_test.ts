import { assertEquals, assertRejects } from "@std/assert";
import { OpenRedError } from "../../protocol/errors.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { START_MS, TestDirectory } from "./test_directory.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { MemoryFiles } from "../world/memory_files.ts";

const clock = () => new FakeClock(START_MS);

async function livedDirectory(database: string, files: MemoryFiles): Promise<string> {
  const test = await TestDirectory.start({ database, files, clock: clock() });
  const { id } = test.directory;
  await test.stop();
  return id;
}

async function refusedWith(database: string, files: MemoryFiles): Promise<OpenRedError> {
  const start = () => TestDirectory.start({ database, files, clock: clock() });
  return await assertRejects(start, OpenRedError);
}

Deno.test("A directory that has lost its keystore, or its secret as well, does not become another one", async () => {
  for (const lost of [["keystore"], ["keystore", "node-secret"], ["node-secret"]]) {
    using folder = makeTemporaryDirectory();
    const database = `${folder.path}/directory.db`;
    const files = new MemoryFiles();
    const id = await livedDirectory(database, files);
    const kept = new Map(files.content);
    for (const name of lost) files.content.delete(name);
    const left = [...files.content.keys()];
    assertEquals((await refusedWith(database, files)).code, "not_found");
    assertEquals([...files.content.keys()], left);
    for (const [name, content] of kept) files.content.set(name, content);
    assertEquals(await livedDirectory(database, files), id);
  }
});

Deno.test("A directory takes no keystore of another one", async () => {
  using folder = makeTemporaryDirectory();
  const [database, files] = [`${folder.path}/directory.db`, new MemoryFiles()];
  const id = await livedDirectory(database, files);
  const others = new MemoryFiles();
  await livedDirectory(`${folder.path}/other.db`, others);
  assertEquals((await refusedWith(database, others)).code, "bad_request");
  assertEquals(await livedDirectory(database, files), id);
});

Deno.test("A directory whose first start was killed behind the secret or the keystore goes on", async () => {
  for (const left of [["node-secret"], ["node-secret", "keystore"]]) {
    using folder = makeTemporaryDirectory();
    const files = new MemoryFiles();
    await livedDirectory(`${folder.path}/first.db`, files);
    for (const name of files.content.keys()) if (!left.includes(name)) files.content.delete(name);
    await livedDirectory(`${folder.path}/directory.db`, files);
  }
});
