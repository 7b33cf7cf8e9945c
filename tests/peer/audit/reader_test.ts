import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { type AuditFilter, AuditReader } from "../../../peer/audit/reader.ts";
import { AuditWorld, linesOf, NEVER, PEER, settle } from "./audit_world.ts";
import { MortalFiles } from "./mortal_files.ts";

const world = await AuditWorld.create();

Deno.test("show() filters by event, peer, time and outcome", async () => {
  const files = new MortalFiles();
  const log = await world.open(files, { maxBytes: 3_000 });
  const startMs = world.clock.wallMs;
  for (let at = 0; at < 12; at++) {
    world.clock.wallMs = startMs + at * 1_000;
    await world.fill(log, { from: at, to: at + 1 });
  }
  const reader = world.reader(files, log);
  const indices = async (query: Partial<Parameters<typeof reader.show>[0]>) => {
    const view = await reader.show({ onlyFailed: false, limit: 100, ...query }, NEVER);
    return view.entries.map((entry) => entry.index);
  };
  assertEquals(await indices({}), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assertEquals(await indices({ limit: 3 }), [9, 10, 11]);
  assertEquals(await indices({ event: "event_1", limit: 2 }), [9, 11]);
  assertEquals(await indices({ peer: PEER }), [0, 2, 4, 6, 8, 10]);
  assertEquals(await indices({ onlyFailed: true }), [0, 3, 6, 9]);
  assertEquals(await indices({ sinceMs: startMs + 3_000, untilMs: startMs + 5_000 }), [3, 4, 5]);
  assertEquals(await indices({ after: 4, limit: 3 }), [4, 5, 6]);
  assertEquals(await indices({ after: 12 }), []);
  const page = await reader.show({ onlyFailed: false, limit: 3, after: 4 }, NEVER);
  assertEquals(page.cursor, 7);
  const last = await reader.show({ onlyFailed: true, limit: 3, after: 9 }, NEVER);
  assertEquals([last.entries.map((entry) => entry.index), last.cursor], [[9], 12]);
  await log.stop();
});

Deno.test("show() with after gives each entry once, page by page", async () => {
  const files = await world.write(1_500, 600);
  const log = await world.open(files);
  const reader = world.reader(files, log);
  const seen: unknown[] = [];
  for (let after = 0; after < 1_500;) {
    const view = await reader.show({ onlyFailed: false, limit: 170, after }, NEVER);
    seen.push(...view.entries.map((entry) => entry.index));
    after = view.cursor;
  }
  assertEquals(seen, Array.from({ length: 1_500 }, (_, at) => at));
  await log.stop();
});

Deno.test("show() with after opens no more lines than it needs", async () => {
  const files = await world.write(3_000, 600);
  const log = await world.open(files);
  let opened = 0;
  const crypto = new Proxy(world.core, {
    get(target, key) {
      if (key !== "readAuditLines") return Reflect.get(target, key, target).bind(target);
      return (options: Parameters<typeof target.readAuditLines>[0]) => {
        opened += options.open ? options.lines.length : 0;
        return target.readAuditLines(options);
      };
    },
  });
  const reader = new AuditReader({ ...world.parts(files), crypto }, log);
  for (const after of [0, 1_000, 2_995]) {
    opened = 0;
    const { entries } = await reader.show({ onlyFailed: false, limit: 5, after }, NEVER);
    assertEquals(entries[0]?.number, after + 1);
    assert(opened <= 512, `${opened} lines were opened`);
  }
  await log.stop();
});

Deno.test("show() ends when its signal fires", async () => {
  const files = await world.write(3);
  const log = await world.open(files);
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  for (const after of [undefined, 0]) {
    const shown = world.reader(files, log).show(
      { onlyFailed: false, limit: 5, after },
      stop.signal,
    );
    assertEquals((await shown.catch((error) => error)).message, "enough");
  }
  await log.stop();
});

Deno.test("no file of the log holds a peer's id, an event or a plain hash of the id", async () => {
  const files = await world.write(4);
  const hash = encodeBase64Url(await world.core.sha256(new TextEncoder().encode(PEER)));
  const log = await world.open(files);
  for (const name of files.logNames) {
    for (const line of linesOf(files, name)) {
      const payload = atob(line.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"));
      for (const plain of [PEER, hash, "event_", "timestamp"]) assert(!payload.includes(plain));
    }
  }
  const { entries } = await world.reader(files, log).show({ onlyFailed: false, limit: 1 }, NEVER);
  assert(!JSON.stringify(entries).includes(PEER));
  assert(!JSON.stringify(entries).includes(hash));
  await log.stop();
});

/** The lines of an export. */
async function exportOf(
  reader: AuditReader,
  { raw, ...filter }: Partial<AuditFilter> & { raw: boolean },
): Promise<string[]> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const exported = reader.export({ onlyFailed: false, ...filter }, { raw, signal: NEVER });
  for await (const chunk of exported) chunks.push(new Uint8Array(chunk));
  return (await new Blob(chunks).text()).trim().split("\n");
}

Deno.test("export() gives all entries, or all lines as they are", async () => {
  const files = await world.write(600, 250);
  const log = await world.open(files);
  const reader = world.reader(files, log);
  const entries = (await exportOf(reader, { raw: false })).map((line) => JSON.parse(line));
  assertEquals(entries.map((entry) => entry.index), Array.from({ length: 600 }, (_, at) => at));
  assertEquals(
    await exportOf(reader, { raw: true }),
    files.logNames.flatMap((name) => linesOf(files, name)),
  );
  await log.stop();
});

Deno.test("export() gives what matches, its lines alike, and names what does not open", async () => {
  const files = await world.write(12, 4);
  const damaged = linesOf(files, files.logNames[1]!);
  await files.write(files.logNames[1]!, encodeUtf8([...damaged, "no line", ""].join("\n")));
  const all = files.logNames.flatMap((name) => linesOf(files, name));
  const log = await world.open(files);
  const reader = world.reader(files, log);
  const filter = { event: "event_0", peer: PEER, onlyFailed: true };
  const found = (await exportOf(reader, { ...filter, raw: false })).map((line) => JSON.parse(line));
  assertEquals(found.map(({ index, unreadable }) => index ?? unreadable), [0, 6, true]);
  const [first, seventh] = [all[0], all[6]];
  assertEquals(await exportOf(reader, { ...filter, raw: true }), [first, seventh, "no line"]);
  await log.stop();
});

Deno.test("show() gives no entry that its cursor has not reached", async () => {
  const files = await world.write(3);
  const log = await world.open(files);
  await settle();
  const list = files.list.bind(files);
  files.list = async (prefix) => {
    files.list = list;
    await world.fill(log, { from: 3, to: 5 });
    return await list(prefix);
  };
  const view = await world.reader(files, log).show({ onlyFailed: false, limit: 9 }, NEVER);
  assertEquals([view.entries.map(({ number }) => number), view.cursor], [[1, 2, 3], 3]);
  await log.stop();
});
