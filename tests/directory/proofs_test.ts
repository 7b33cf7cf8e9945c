import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { FakeClock } from "../world/fake_clock.ts";
import type { FakeNode } from "./fake_nodes.ts";
import { START_MS, TestDirectory } from "./test_directory.ts";
import { MemoryFiles } from "../world/memory_files.ts";
import { settle } from "../world/settle.ts";

/** A request that goes no further than its target, once the proof holds. */
const REQUEST = JSON.stringify({ target: "nobody" });

async function codeOf(
  test: TestDirectory,
  node: FakeNode,
  changes: Record<string, unknown>,
): Promise<string> {
  const { status, body } = await test.connect(node, REQUEST, { proof: changes });
  return `${status} ${body.code}`;
}

async function startWithNode(): Promise<{ test: TestDirectory; node: FakeNode }> {
  const test = await TestDirectory.start();
  const node = test.node(1);
  await test.register(node.record());
  return { test, node };
}

Deno.test("A proof must be of this method, path and body, and of its own key", async () => {
  const { test, node } = await startWithNode();
  await using _ = test;
  const other = test.node(2);
  assertEquals(await codeOf(test, node, {}), "400 bad_request");
  const invalid = [
    { htm: "post" },
    { htm: "GET" },
    { htu: "https://directory.example/api/v3/nodes/register" },
    { htu: "https://directory.example/api/v3/tokens/request-connection?x" },
    { htu: "https://DIRECTORY.example/api/v3/tokens/request-connection" },
    { bh: encodeBase64Url(new Uint8Array(32)) },
    { bh: "x" },
    { jti: "short" },
    { iss: other.id },
    { iat: "now" },
    { must: ["fly"] },
  ];
  for (const changes of invalid) {
    assertEquals(await codeOf(test, node, changes), "401 proof_invalid", JSON.stringify(changes));
  }
  for (const header of ["", "x", "a.b.c", "a".repeat(5000)]) {
    assertEquals((await test.connect(node, REQUEST, { header })).body.code, "proof_invalid");
  }
  const path = "/api/v3/tokens/request-connection";
  const none = await test.ask("POST", path, { body: REQUEST });
  assertEquals([none.status, none.body.code], [401, "proof_invalid"]);
});

Deno.test("A proof is good for 60 s either way, and clock_skew tells the time", async () => {
  const { test, node } = await startWithNode();
  await using _ = test;
  const nowSec = START_MS / 1000;
  assertEquals(await codeOf(test, node, { iat: nowSec + 60 }), "400 bad_request");
  assertEquals(await codeOf(test, node, { iat: nowSec + 61 }), "401 clock_skew");
  test.clock.advance(100_000);
  assertEquals(await codeOf(test, node, { iat: nowSec + 40 }), "400 bad_request");
  const { body } = await test.connect(node, REQUEST, { proof: { iat: nowSec + 39 } });
  assertEquals([body.code, body.now_at], ["clock_skew", START_MS + 100_000]);
});

Deno.test("A proof serves once, and only a verified one is remembered", async () => {
  const { test, node } = await startWithNode();
  await using _ = test;
  const jti = encodeBase64Url(new Uint8Array(16).fill(3));
  assertEquals(await codeOf(test, node, { jti, htm: "GET" }), "401 proof_invalid");
  const header = test.proof(node, REQUEST, { jti });
  const forged = header.slice(0, -6) + "AAAAAA";
  assertEquals((await test.connect(node, REQUEST, { header: forged })).body.code, "proof_invalid");
  const first = await test.connect(node, REQUEST, { header });
  assertEquals(first.body.code, "bad_request");
  const again = await test.connect(node, REQUEST, { header });
  assertEquals([again.status, again.body.code], [401, "proof_replayed"]);
  test.clock.advance(59_000);
  assertEquals((await test.connect(node, REQUEST, { header })).body.code, "proof_replayed");
  assertEquals(await codeOf(test, node, { jti }), "401 proof_replayed");
});

Deno.test("Two uses of one proof at the same moment are one", async () => {
  const { test, node } = await startWithNode();
  await using _ = test;
  const header = test.proof(node, REQUEST);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => test.connect(node, REQUEST, { header })),
  );
  const codes = answers.map(({ body }) => body.code).sort();
  assertEquals(codes, ["bad_request", ...Array(7).fill("proof_replayed")]);
});

Deno.test("A proof stays used across a restart, and after its memory was lost", async () => {
  const path = await Deno.makeTempFile({ suffix: ".db" });
  try {
    const options = { database: path, files: new MemoryFiles(), clock: new FakeClock(START_MS) };
    const first = await TestDirectory.start(options);
    const node = first.node(1);
    await first.register(node.record());
    const header = first.proof(node, REQUEST);
    assertEquals((await first.connect(node, REQUEST, { header })).body.code, "bad_request");
    await first.stop();
    const second = await TestDirectory.start(options);
    assertEquals(second.directory.id, first.directory.id);
    assertEquals((await second.connect(node, REQUEST, { header })).body.code, "proof_replayed");
    const fresh = await second.connect(node, REQUEST);
    assertEquals(fresh.body.code, "bad_request");
    await second.stop();
    // Another database is one that remembers nothing: its beginning is this second.
    const third = await TestDirectory.start({ ...options, database: ":memory:" });
    third.clock.step(-1_000);
    const lost = await third.connect(node, REQUEST, { header: third.proof(node, REQUEST) });
    assertEquals([lost.status, lost.body.code], [401, "proof_replayed"]);
    assert(lost.headers.has("retry-after"));
    third.clock.step(1_000);
    assertEquals((await third.connect(node, REQUEST)).body.code, "requester_unknown");
    await third.stop();
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("A forgotten proof stays used when the clock is set back", async () => {
  const { test, node } = await startWithNode();
  await using _ = test;
  const header = test.proof(node, REQUEST);
  assertEquals((await test.connect(node, REQUEST, { header })).body.code, "bad_request");
  test.clock.advance(241_000);
  await settle();
  test.clock.step(-241_000);
  assertEquals((await test.connect(node, REQUEST, { header })).body.code, "proof_replayed");
});
