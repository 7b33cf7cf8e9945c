import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import type { NodeId } from "../../crypto/encoding.ts";
import { ReadingThread } from "../../directory/threads/reading_thread.ts";
import type { ThreadDesk } from "../../directory/threads/thread_desk.ts";
import { type DeskCalls } from "../../directory/threads/thread_desk.ts";
import { ThreadCalls } from "../../ports/thread_calls.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { signText } from "../protocol/signer.ts";
import { type Answered, DIRECTORY_URL, TestDirectory, type TestOptions } from "./test_directory.ts";

const NOBODY = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";

/** A directory, and a thread that reads of it by messages. */
class ThreadedDirectory implements AsyncDisposable {
  readonly test: TestDirectory;
  readonly desk: ThreadDesk;
  /** What the thread asked. */
  readonly asked: string[] = [];
  readonly thread: ReadingThread;
  readonly #ports: MessageChannel;

  private constructor(test: TestDirectory) {
    this.test = test;
    this.desk = test.directory.threadDesk();
    this.#ports = new MessageChannel();
    const { port1, port2 } = this.#ports;
    const { find, take } = this.desk.calls;
    new ThreadCalls(port1, { find, take });
    const main = new ThreadCalls<DeskCalls>(port2, {});
    const note = <T>(name: string, asking: Promise<T>) => {
      this.asked.push(name);
      return asking;
    };
    this.thread = new ReadingThread({
      clock: test.clock,
      log: { log: (_level, event) => test.logged.push(event) },
      desk: {
        find: (id) => note("find", main.call("find", id)),
        take: (of) => note("take", main.call("take", of)),
      },
      passOn: async (request, address) =>
        await note("pass", Promise.resolve(test.directory.handle(request, { address }))),
    }, this.desk.setUp);
    this.desk.join({
      adopt: (filter) => this.thread.adopt(filter),
      counts: () => Promise.resolve(this.thread.counts()),
    });
  }

  static async start(options: TestOptions = {}): Promise<ThreadedDirectory> {
    return new ThreadedDirectory(await TestDirectory.start(options));
  }

  async get(path: string, address = "192.0.2.1"): Promise<Answered> {
    const answer = await this.thread.answer(new Request(DIRECTORY_URL + path), address);
    const { status, headers } = answer;
    return { status, headers, body: JSON.parse(await answer.text()) };
  }

  lookUp(id: string): Promise<Answered> {
    return this.get(`/api/v3/nodes/${id}`);
  }

  /** Looks an id up in either thread. @returns What both answer. */
  async both(id: string): Promise<[number, unknown]> {
    const answers = [await this.lookUp(id), await this.test.get(`/api/v3/nodes/${id}`)];
    const [one, other] = answers.map(({ status, body, headers }) => [status, body, [...headers]]);
    assertEquals(one, other);
    return [answers[0]!.status, answers[0]!.body];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ports.port1.close();
    this.#ports.port2.close();
    await this.test[Symbol.asyncDispose]();
  }
}

Deno.test("A thread answers what the main one would, and a second time without asking it", async () => {
  await using both = await ThreadedDirectory.start();
  const { test, asked } = both;
  const [old, heir, gone, banned] = [test.node(1), test.node(2), test.node(3), test.node(4)];
  const next = createHash("sha256").update(heir.identity.publicKey).digest("base64url");
  for (const node of [old, gone, banned]) await test.register(node.record({ next }));
  const payload = { v: 3, iss: heir.id, old: old.id, iat: 1_600_000_000 };
  const succession = signText(heir.identity, payload, { typ: "openred-succession+jwt" });
  await test.register(heir.record(), { succession });
  test.clock.advance(1_000);
  await test.register(gone.gone());
  await test.store.ban({ id: banned.id, bannedAt: 0, note: "" });
  const ids = [old, heir, gone, banned].map(({ id }) => id);
  const statuses = [];
  for (const id of ids) statuses.push((await both.both(id))[0]);
  assertEquals(statuses, [410, 200, 200, 404]);
  assertEquals(asked.splice(0), ["find", "find", "find", "find"]);
  for (const id of ids) await both.both(id);
  assertEquals(asked, []);
  assertEquals((await both.both("zNoId"))[0], 400);
  assertEquals((await both.both(test.directory.id))[0], 200);
  assertEquals((await both.get("/api/v3/nodes/discover")).body.nodes.length, 1);
  assertEquals(asked, ["pass", "pass"]);
});

Deno.test("A thread never answers with what was before an acknowledged write", async () => {
  await using both = await ThreadedDirectory.start();
  const { test } = both;
  const node = test.node(1);
  assertEquals((await both.both(node.id))[0], 404);
  for (let round = 0; round < 5; round++) {
    const { status } = await test.registerNew(node, { alias: `round ${round}` });
    assertEquals(status, 201);
    // Once asked, once kept.
    for (let time = 0; time < 2; time++) {
      const [, body] = await both.both(node.id);
      const { record } = body as { record: string };
      assertStringIncludes(atob(record.split(".")[1]!), `round ${round}`);
    }
  }
  test.clock.advance(3_600_001);
  assertEquals(((await both.both(node.id))[1] as { status: string }).status, "stale");
  await test.store.ban({ id: node.id, bannedAt: 0, note: "" });
  assertEquals((await both.both(node.id))[0], 404);
  await test.store.unban(node.id);
  await test.registerNew(node);
  assertEquals((await both.both(node.id))[0], 200);
  await test.store.remove(node.id);
  assertEquals((await both.both(node.id))[0], 404);
});

Deno.test("What a thread was told while a write came is not kept", async () => {
  await using both = await ThreadedDirectory.start();
  const { test } = both;
  const node = test.node(1);
  await test.register(node.record());
  const asking = both.lookUp(node.id);
  // The store has changed before it hears of the question, or after: either way the next look-up is of the new record.
  await test.registerNew(node, { alias: "new" });
  await asking;
  const { record } = (await both.lookUp(node.id)).body;
  assertStringIncludes(atob(record.split(".")[1]), "new");
});

Deno.test("A thread knows unknown ids by itself, and believes no filter that another one has followed", async () => {
  await using both = await ThreadedDirectory.start();
  const { asked, test } = both;
  test.clock.advance(1_000);
  assertEquals((await both.both(NOBODY))[0], 404);
  assertEquals(asked, []);
  const node = test.node(1);
  assertEquals((await both.both(node.id))[0], 404);
  await test.register(node.record());
  assertEquals((await both.both(node.id))[0], 200);
  assertEquals(asked.splice(0), ["find"]);
  // The filter that counts is another one now, and this thread has not heard of it yet.
  const marks = new Int32Array(both.desk.setUp.marks);
  Atomics.add(marks, 0, 1);
  assertEquals((await both.both(NOBODY))[0], 404);
  assertEquals(asked, ["find"]);
});

Deno.test("A thread refuses as the main one does while the disk takes nothing", async () => {
  await using both = await ThreadedDirectory.start();
  const { store, logged } = both.test;
  const node = both.test.node(1);
  await both.test.register(node.record());
  store.atHand = () => null;
  store.find = () => {
    const cause = new Error("disk I/O error");
    return Promise.reject(new OpenRedError("overloaded", "No", { cause, retryAfterMs: 30_000 }));
  };
  assertEquals((await both.both(node.id))[0], 503);
  assertEquals(logged.filter((event) => event === "request_failed").length, 2);
});

Deno.test("Threads count the requests of an address together, and what they answer", async () => {
  const max = 100;
  await using both = await ThreadedDirectory.start({ limits: { addressPerMinute: max } });
  const { test, asked } = both;
  const path = `/api/v3/nodes/${NOBODY}`;
  const statuses: number[] = [];
  for (let round = 0; round < max; round++) {
    statuses.push((await both.get(path)).status, (await test.get(path)).status);
  }
  const answered = statuses.filter((status) => status === 404).length;
  // The thread holds a twentieth at a time.
  assert(answered <= max && answered > max - max / 20, String(answered));
  assert(asked.filter((name) => name === "take").length <= 22, String(asked.length));
  const refused = await both.get(path);
  const asMain = await test.get(path);
  assertEquals([refused.status, refused.body], [asMain.status, asMain.body]);
  assertEquals(refused.headers.get("retry-after"), asMain.headers.get("retry-after"));
  // Somebody else has a minute of his own.
  assertEquals((await both.get(path, "192.0.2.9")).status, 404);
  test.clock.advance(60_000);
  assertEquals((await both.get(path)).status, 404);
  const { body } = await test.get("/metrics");
  const [, found] = /openred_http_requests_total\{[^}]*lookUp[^}]*404"\} (\d+)/.exec(body) ?? [];
  assertEquals(Number(found), answered + 2);
});

Deno.test("What the other thread throws is thrown where it was called", async () => {
  const { port1, port2 } = new MessageChannel();
  new ThreadCalls(port1, {
    fail: () => {
      throw new TypeError("No");
    },
  });
  const calls = new ThreadCalls<{ fail: (id: NodeId) => void }>(port2, {});
  await assertRejects(() => calls.call("fail", NOBODY as NodeId), Error, "No");
  port1.close();
  port2.close();
});
