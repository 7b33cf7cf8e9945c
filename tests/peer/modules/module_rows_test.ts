import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { ModuleRows } from "../../../peer/modules/module_rows.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { TestParts } from "../parts.ts";

const MIB = 2 ** 20;
/** What a row costs besides its key and its value. */
const ROW_COST = 64;

const value = (text: string) => encodeUtf8(text);

function rowsOf(parts: TestParts, options: { module?: string; quotaBytes?: number } = {}) {
  return new ModuleRows(parts.store, { module: "notes", ...options });
}

async function codeOf(writing: () => Promise<unknown>): Promise<string> {
  return (await assertRejects(writing, OpenRedError)).code;
}

function put(rows: ModuleRows, ...keys: string[]): Promise<void> {
  return rows.batch(keys.map((key) => ({ key, value: value(key) })));
}

Deno.test("ModuleRows gives each module its own rows, and keeps them over a restart", async () => {
  using parts = await TestParts.create();
  const [notes, chess] = [rowsOf(parts), rowsOf(parts, { module: "chess" })];
  await notes.batch([{ key: "a", value: value("of notes") }]);
  await chess.batch([{ key: "a", value: value("of chess") }]);
  parts.reopen();
  const again = rowsOf(parts);
  assertEquals([again.get("a"), again.get("b")], [value("of notes"), null]);
  await again.batch([{ key: "a", value: null }, { key: "never there", value: null }]);
  assertEquals([again.get("a"), chess.get("a")], [null, value("of chess")]);
});

Deno.test("ModuleRows keeps values of every length, and the last one of a key", async () => {
  using parts = await TestParts.create();
  const rows = rowsOf(parts);
  for (const length of [0, 1, MIB]) {
    await rows.batch([{ key: "a", value: new Uint8Array(length).fill(7) }]);
    assertEquals(rows.get("a"), new Uint8Array(length).fill(7));
  }
  await rows.batch([{ key: "a", value: value("one") }, { key: "a", value: value("two") }]);
  assertEquals(rows.get("a"), value("two"));
  await rows.batch([{ key: "a", value: null }, { key: "a", value: value("three") }]);
  assertEquals(rows.get("a"), value("three"));
  const large = new Uint8Array(MIB + 1);
  assertEquals(
    await codeOf(async () => await rows.batch([{ key: "a", value: large }])),
    "too_large",
  );
  assertEquals(rows.get("a"), value("three"));
});

Deno.test("ModuleRows takes odd keys as they are, and refuses those that are none", async () => {
  using parts = await TestParts.create();
  const rows = rowsOf(parts);
  const odd = ["\0", "a\0b", "a", "A", "ä", "a\u0308", " ", "%", "_", "'", "😀", "x".repeat(512)];
  await put(rows, ...odd);
  for (const key of odd) assertEquals([key, rows.get(key)], [key, value(key)]);
  assertEquals(rows.range({ limit: 100 }).length, odd.length);
  for (const key of ["", "x".repeat(513), "é".repeat(257), "\ud800", "a\udc00"]) {
    assertEquals(await codeOf(async () => await put(rows, key)), "bad_request");
    assertEquals(assertThrows(() => rows.get(key), OpenRedError).code, "bad_request");
  }
});

Deno.test("ModuleRows.range() goes by the bytes of the keys, from one page to the next", async () => {
  using parts = await TestParts.create();
  const rows = rowsOf(parts);
  await put(rows, "b/2", "a", "b/", "b", "b/10", "b/1", "c", "b0");
  await put(rowsOf(parts, { module: "chess" }), "b/3");
  const keys = (range: Partial<Parameters<ModuleRows["range"]>[0]>) =>
    rows.range({ limit: 1_000, ...range }).map(({ key }) => key);
  assertEquals(keys({}), ["a", "b", "b/", "b/1", "b/10", "b/2", "b0", "c"]);
  assertEquals(keys({ prefix: "b/" }), ["b/", "b/1", "b/10", "b/2"]);
  assertEquals(keys({ prefix: "b/", after: "b/1" }), ["b/10", "b/2"]);
  assertEquals(keys({ prefix: "b/", after: "a" }), ["b/", "b/1", "b/10", "b/2"]);
  assertEquals(keys({ prefix: "b/", after: "c" }), []);
  assertEquals(keys({ after: "b/10", limit: 2 }), ["b/2", "b0"]);
  assertEquals([keys({ prefix: "d" }), keys({ after: "c" })], [[], []]);
  const [first] = rows.range({ prefix: "b/1", limit: 1 });
  assertEquals(first, { key: "b/1", value: value("b/1") });
});

Deno.test("ModuleRows.range() knows that programs and databases order some characters otherwise", async () => {
  using parts = await TestParts.create();
  const rows = rowsOf(parts);
  // By UTF-16 the second stands before the first, by UTF-8 behind it.
  const [plain, high] = ["\uff5e", "😀"];
  await put(rows, `${plain}1`, `${plain}2`, `${high}1`, `${high}2`);
  const keys = (range: object) => rows.range({ limit: 10, ...range }).map(({ key }) => key);
  assertEquals(keys({}), [`${plain}1`, `${plain}2`, `${high}1`, `${high}2`]);
  assertEquals(keys({ prefix: high, after: `${plain}1` }), [`${high}1`, `${high}2`]);
  assertEquals(keys({ prefix: plain, after: `${high}1` }), []);
  assertEquals(keys({ prefix: high, after: `${high}1` }), [`${high}2`]);
});

Deno.test("ModuleRows.range() returns at most 1,000 rows and 4 MiB, and one row at least", async () => {
  using parts = await TestParts.create();
  const rows = rowsOf(parts);
  for (const limit of [0, -1, 1_001, 1.5, NaN]) {
    assertEquals(assertThrows(() => rows.range({ limit }), OpenRedError).code, "bad_request");
  }
  const keys = Array.from({ length: 1_000 }, (_, index) => `small ${index}`);
  await put(rows, ...keys);
  await put(rows, "small 1000");
  assertEquals(rows.range({ limit: 1_000 }).length, 1_000);
  for (let at = 0; at < 6; at++) {
    await rows.batch([{ key: `large ${at}`, value: new Uint8Array(MIB) }]);
  }
  const large = (after?: string) =>
    rows.range({ prefix: "large", limit: 10, ...(after === undefined ? {} : { after }) })
      .map(({ key }) => key);
  assertEquals(large(), ["large 0", "large 1", "large 2"]);
  assertEquals(large("large 2"), ["large 3", "large 4", "large 5"]);
  assertEquals(large("large 4"), ["large 5"]);
});

Deno.test("ModuleRows.batch() writes all or nothing", async () => {
  using parts = await TestParts.create();
  const rows = rowsOf(parts, { quotaBytes: 1_000 });
  await put(rows, "a");
  const changes = [{ key: "a", value: null }, { key: "b", value: value("b") }];
  const fails = async (...more: { key: string; value: Uint8Array | null }[]) =>
    await codeOf(async () => await rows.batch([...changes, ...more]));
  assertEquals(await fails({ key: "", value: null }), "bad_request");
  assertEquals(await fails({ key: "c", value: new Uint8Array(1_000) }), "too_large");
  const many = Array.from({ length: 999 }, () => ({ key: "a", value: null }));
  assertEquals(await fails(...many), "bad_request");
  parts.fillDisk();
  assertEquals(await fails(), "overloaded");
  parts.freeDisk();
  assertEquals(rows.range({ limit: 10 }).map(({ key }) => key), ["a"]);
  await rows.batch([...changes, ...many.slice(1)]);
  assertEquals(rows.range({ limit: 10 }).map(({ key }) => key), ["b"]);
  await rows.batch([]);
});

Deno.test("ModuleRows counts keys, values and a cost of each row against the quota, to the byte", async () => {
  using parts = await TestParts.create();
  const rows = rowsOf(parts, { quotaBytes: 3 * ROW_COST + 30 });
  const store = (key: string, bytes: number) => rows.batch([{ key, value: new Uint8Array(bytes) }]);
  await store("é", 8);
  await store("bb", 8);
  assertEquals(await codeOf(() => store("cc", 9)), "too_large");
  await store("cc", 8);
  assertEquals(await codeOf(() => store("cc", 9)), "too_large");
  assertEquals(await codeOf(() => store("d", 0)), "too_large");
  await store("cc", 0);
  await store("bb", 16);
  await rows.batch([{ key: "é", value: null }, { key: "dd", value: new Uint8Array(8) }]);
  const other = rowsOf(parts, { module: "chess", quotaBytes: 200 });
  await other.batch([{ key: "a", value: new Uint8Array(100) }]);
  assertEquals(rows.range({ limit: 10 }).map(({ key }) => key), ["bb", "cc", "dd"]);
});

Deno.test("ModuleRows lets a module over its quota make its rows fewer, and not more", async () => {
  using parts = await TestParts.create();
  const before = rowsOf(parts, { quotaBytes: 2_000 });
  await before.batch([{ key: "a", value: new Uint8Array(900) }]);
  await before.batch([{ key: "b", value: new Uint8Array(900) }]);
  const rows = rowsOf(parts, { quotaBytes: 500 });
  const store = (key: string, bytes: number) => rows.batch([{ key, value: new Uint8Array(bytes) }]);
  assertEquals(await codeOf(() => store("a", 901)), "too_large");
  await store("a", 900);
  await store("a", 800);
  await rows.batch([{ key: "b", value: null }]);
  assertEquals(await codeOf(() => store("c", 1)), "too_large");
});

Deno.test("ModuleRows.writeForget() forgets all rows of one module, and what they took", async () => {
  using parts = await TestParts.create();
  const rows = rowsOf(parts, { quotaBytes: 200 });
  const chess = rowsOf(parts, { module: "chess" });
  const whole = [{ key: "a", value: new Uint8Array(135) }];
  await rows.batch(whole);
  await put(chess, "a");
  await parts.store.write(() => rows.writeForget());
  assertEquals([rows.range({ limit: 10 }), chess.get("a")], [[], value("a")]);
  await rows.batch(whole);
  assertEquals(rows.get("a")?.length, 135);
});
