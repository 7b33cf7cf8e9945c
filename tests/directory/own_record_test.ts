import { assert, assertEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { verifyRecord } from "../../protocol/record.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { DAY_MS, START_MS, TestDirectory } from "./test_directory.ts";
import { MemoryFiles } from "../world/memory_files.ts";
import { settle } from "../world/settle.ts";

async function ownRecord(test: TestDirectory) {
  const { body } = await test.get(`/api/v3/nodes/${test.directory.id}`);
  return await verifyRecord(await LocalCryptoCore.create(), body.record);
}

Deno.test("The directory's record says what it is", async () => {
  await using test = await TestDirectory.start();
  const { id, payload } = await ownRecord(test);
  assertEquals([id, payload.seq, payload.api_url], [
    test.directory.id,
    START_MS,
    "https://directory.example",
  ]);
  assertEquals([payload.suites, payload.methods, payload.services], [
    [],
    ["alpha", "beta", "gamma", "delta"],
    ["directory"],
  ]);
});

Deno.test("The directory signs its record again before it expires", async () => {
  await using test = await TestDirectory.start();
  const first = await ownRecord(test);
  for (let hours = 0; hours < 24; hours++) {
    test.clock.advance(3_600_000);
    await settle();
    const { payload } = await ownRecord(test);
    assert(payload.exp * 1000 > test.clock.nowMs() + DAY_MS / 2);
  }
  assert((await ownRecord(test)).payload.seq > first.payload.seq);
});

Deno.test("The seq of the directory's record only grows, also across restarts", async () => {
  const path = await Deno.makeTempFile({ suffix: ".db" });
  const options = { database: path, files: new MemoryFiles(), clock: new FakeClock(START_MS) };
  try {
    const seqs: number[] = [];
    for (let start = 0; start < 3; start++) {
      await using test = await TestDirectory.start(options);
      seqs.push((await ownRecord(test)).payload.seq);
    }
    assertEquals(seqs, [START_MS, START_MS + 1, START_MS + 2]);
    // What was signed while the clock ran ahead was refused by everybody.
    options.clock.step(10 * DAY_MS);
    await (await TestDirectory.start(options)).stop();
    options.clock.step(-9 * DAY_MS);
    await using test = await TestDirectory.start(options);
    assertEquals((await ownRecord(test)).payload.seq, START_MS + DAY_MS);
    options.clock.step(-DAY_MS / 2);
    options.clock.advance(60_000);
    await settle();
    assertEquals((await ownRecord(test)).payload.seq, test.clock.nowMs());
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("A keystore without its secret, or with another one, does not open", async () => {
  const files = new MemoryFiles();
  await (await TestDirectory.start({ files })).stop();
  assertEquals([...files.content.keys()].sort(), ["keystore", "node-secret"]);
  await files.write("node-secret", new Uint8Array(32));
  await assertRejects(() => TestDirectory.start({ files }), Error, "");
  await files.remove("node-secret");
  await assertRejects(() => TestDirectory.start({ files }), Error, "node-secret");
});
