import { assertEquals, assertRejects } from "@std/assert";
import { CryptoError, type ModuleMethod } from "../../../crypto/interface.ts";
import { MAX_MODULE_METHODS, MethodBook } from "../../../peer/own/method_book.ts";
import { OwnRecord } from "../../../peer/own/own_record.ts";
import { NODE_DEFAULTS } from "../../../protocol/node_settings.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { permuteSample } from "../../contract/sample_methods.ts";
import { TestParts } from "../parts.ts";
import { TestNodeKeys } from "../test_node_keys.ts";

const BUILT_IN = ["alpha", "beta", "gamma", "delta"];
const permute: ModuleMethod["permute"] = (block) => Promise.resolve(permuteSample(block));
const broken: ModuleMethod["permute"] = () => Promise.resolve(new Uint8Array(31));

Deno.test("MethodBook lists the built-in methods, then those of modules by name", async () => {
  using parts = await TestParts.create();
  const { methods } = parts;
  assertEquals(methods.names(), BUILT_IN);
  for (const name of ["spiral_4", "braid"]) await methods.add({ name, permute });
  assertEquals(methods.names(), [...BUILT_IN, "braid", "spiral_4"]);
  await methods.remove("braid");
  await methods.remove("never_there");
  assertEquals(methods.names(), [...BUILT_IN, "spiral_4"]);
  assertEquals([methods.has("alpha"), methods.has("spiral_4"), methods.has("braid")], [
    true,
    true,
    false,
  ]);
});

Deno.test("MethodBook.serves() a module's method where both have it, and a built-in one always", async () => {
  using parts = await TestParts.create();
  const { methods } = parts;
  await methods.add({ name: "spiral_4", permute });
  assertEquals(methods.serves("spiral_4", [...BUILT_IN, "spiral_4"]), true);
  assertEquals(methods.serves("spiral_4", BUILT_IN), false);
  assertEquals(methods.serves("braid", ["braid"]), false);
  assertEquals(methods.serves("delta", ["alpha"]), true);
});

Deno.test("MethodBook lists no method that was refused, and no more one that a broken version replaces", async () => {
  using parts = await TestParts.create();
  const { methods } = parts;
  const codeOf = async (name: string, work: ModuleMethod["permute"]) =>
    (await assertRejects(() => methods.add({ name, permute: work }), CryptoError)).code;
  assertEquals(await codeOf("spiral_4", broken), "method_failed");
  assertEquals(await codeOf("alpha", permute), "bad_argument");
  await methods.add({ name: "spiral_4", permute });
  assertEquals(await codeOf("spiral_4", broken), "method_failed");
  assertEquals(methods.names(), BUILT_IN);
  assertEquals(parts.events.warnings(), [], "whoever adds it hears of it");
});

Deno.test("MethodBook takes as many methods of modules as a record has room for", async () => {
  using parts = await TestParts.create();
  const { methods } = parts;
  const names = Array.from({ length: MAX_MODULE_METHODS }, (_, at) => `method_${at}`);
  for (const name of names) await methods.add({ name, permute });
  const error = await assertRejects(() => methods.add({ name: "another", permute }), OpenRedError);
  assertEquals(error.code, "bad_request");
  await methods.add({ name: "method_0", permute });
  assertEquals(methods.names(), [...BUILT_IN, ...names]);
});

Deno.test("MethodBook takes a method off once it fails, tells the owner, and lets it come back", async () => {
  using parts = await TestParts.create();
  const removed: string[] = [];
  const lent: ModuleMethod[] = [];
  const crypto = {
    addMethod: (method: ModuleMethod) => Promise.resolve(void lent.push(method)),
    removeMethod: ({ name }: { name: string }) => Promise.resolve(void removed.push(name)),
  };
  const methods = new MethodBook({ ...parts, crypto });
  let told = 0;
  const offered = () => ({ name: "spiral_4", permute, failed: () => told++ });
  await methods.add(offered());
  await methods.add(offered());
  lent[0]!.failed!();
  assertEquals(
    [methods.has("spiral_4"), told],
    [true, 0],
    "a former version's failure is nobody's",
  );
  lent[1]!.failed!();
  lent[1]!.failed!();
  assertEquals([methods.has("spiral_4"), told, removed], [false, 1, ["spiral_4"]]);
  assertEquals(parts.events.warnings().length, 1);
  await methods.add(offered());
  assertEquals([methods.has("spiral_4"), parts.events.warnings()], [true, []]);
});

Deno.test("OwnRecord is signed anew once methods came or went, and not otherwise", async () => {
  using parts = await TestParts.create();
  const keys = await TestNodeKeys.create(parts.crypto);
  await parts.store.setSelf("node_id", keys.id);
  const config = { version: "test", apiUrl: "https://node.example", adminToken: "token" };
  const own = new OwnRecord(parts, { ...NODE_DEFAULTS, ...config }, {
    identity: keys.keys.identity,
    noiseKey: keys.noisePublic,
  });
  const first = await own.current();
  assertEquals([first.payload.methods, await own.current()], [BUILT_IN, first]);
  await parts.methods.add({ name: "spiral_4", permute });
  const second = await own.current();
  assertEquals(second.payload.methods, [...BUILT_IN, "spiral_4"]);
  assertEquals(second.payload.seq > first.payload.seq, true);
  assertEquals(await own.current(), second);
  await parts.methods.remove("spiral_4");
  assertEquals((await own.current()).payload.methods, BUILT_IN);
});
