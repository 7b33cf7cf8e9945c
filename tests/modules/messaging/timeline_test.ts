import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { ModuleTables } from "../../../modules/api.ts";
import { MESSAGING_MANIFEST } from "../../../modules/messaging/manifest.ts";
import { chainOf, nameText } from "../../../modules/messaging/names.ts";
import { orderMessages } from "../../../modules/messaging/order.ts";
import { findPlace, GAP, readPlaced, seatOf } from "../../../modules/messaging/placed_rows.ts";
import { Settling } from "../../../modules/messaging/settling.ts";
import { MESSAGING_TABLES } from "../../../modules/messaging/tables.ts";
import { Timeline } from "../../../modules/messaging/timeline.ts";
import { ContextWorld } from "../../world/module_context.ts";
import { PEERS } from "./messaging_world.ts";

const [PEER, NEXT] = PEERS;

interface Written {
  readonly own: boolean;
  readonly run: string;
  readonly n: number;
  readonly id: string;
  readonly sentAt: number;
  readonly after: string;
  readonly reply: string | null;
}

/** A conversation of two, each naming what it has seen of the other; and how its messages come to one of them. */
const conversations = fc.array(
  fc.record({
    own: fc.boolean(),
    sentAt: fc.integer({ min: 0, max: 30 }),
    replyTo: fc.option(fc.nat({ max: 30 })),
    delay: fc.nat({ max: 6 }),
    reads: fc.boolean(),
  }),
  { maxLength: 30 },
).map((written) => {
  const messages: (Written & { delay: number })[] = [];
  for (const [index, { own, sentAt, replyTo, delay }] of written.entries()) {
    const run = own ? "OOOOOOOOOOA" : "PPPPPPPPPPA";
    const n = messages.filter((other) => other.own === own).length + 1;
    const others = messages.filter((other) => other.own !== own);
    const head = others.at(-1);
    const target = messages[replyTo ?? -1];
    messages.push({
      own,
      run,
      n,
      id: `i${index}`,
      sentAt,
      after: head === undefined ? "" : nameText(head),
      reply: target === undefined ? null : nameText(target),
      delay,
    });
  }
  // What this node wrote is there at once, and had seen what it names; the rest comes late.
  const known = new Set<string>();
  const order = messages.map((message, index) => ({ message, at: index + message.delay }));
  order.sort((a, b) => a.at - b.at);
  const arrived: Written[] = [];
  const arrive = (message: Written) => {
    if (known.has(message.id)) return;
    known.add(message.id);
    if (message.own) {
      for (const other of messages) {
        const isNamed = message.after === nameText(other) || message.reply === nameText(other);
        if (isNamed || (other.own && other.n < message.n)) arrive(other);
      }
    } else {
      for (const other of messages) {
        if (other.own && [message.after, message.reply].includes(nameText(other))) arrive(other);
      }
    }
    arrived.push(message);
  };
  for (const { message } of order) arrive(message);
  return { arrived, reads: written.map(({ reads }) => reads) };
});

type Pieces = ConstructorParameters<typeof Settling>[1];

async function withTimeline(
  run: (tables: ModuleTables, timeline: Timeline) => Promise<void>,
  pieces: Pieces = {},
): Promise<void> {
  using world = await ContextWorld.create();
  const { context } = await world.contextOf(MESSAGING_MANIFEST);
  const tables = context.storage.tables!;
  tables.migrate(MESSAGING_TABLES);
  await run(tables, new Timeline(tables, new Settling(tables, pieces)));
}

/** Gives all their places, from stretches of so many messages where that is enough. */
async function settleBy(tables: ModuleTables, stretches: readonly number[]): Promise<void> {
  const settling = new Settling(tables, { stretches });
  const unplaced = () =>
    tables.statement("SELECT 1 FROM messaging_messages WHERE place IS NULL LIMIT 1").get();
  while (unplaced() !== undefined) await tables.write(() => settling.write(PEER));
}

async function store(tables: ModuleTables, timeline: Timeline, message: Written): Promise<void> {
  const { own, id, sentAt, run, n, after, reply } = message;
  await tables.write(() => {
    const place = timeline.admit({ ...message, conversation: PEER, target: null });
    const box = own ? "messaging_outbox" : "messaging_inbox";
    const rest = own ? "" : ", received_at, request";
    tables.statement(
      `INSERT INTO ${box} (peer, id, sealed, sent_at, conversation, place, run, n, after, reply${rest})
       VALUES (?, ?, x'', ?, ?, ?, ?, ?, ?, ?${own ? "" : ", 0, 0"})`,
    ).run(PEER, id, sentAt, PEER, place, run, n, after, reply);
    if (reply !== null && !timeline.holds(PEER, reply)) timeline.writeDangling(PEER, reply);
  });
}

function stored(tables: ModuleTables, conversation: string = PEER): string[] {
  return tables.statement(
    "SELECT id FROM messaging_messages WHERE conversation = ? ORDER BY place",
  ).all(conversation).map(({ id }) => String(id));
}

/** The order in which all of an inbox belong. */
function ordered(tables: ModuleTables): string[] {
  const rows = tables.statement("SELECT 0 AS own, * FROM messaging_inbox").all();
  return orderMessages(rows.map((row) => seatOf(readPlaced(row)))).map(({ row }) => row.id);
}

/** @param settle Tells whether all have their places then, where that is not certain. */
async function checkOrder(
  settle: (tables: ModuleTables, timeline: Timeline, isLast: boolean) => Promise<boolean | void>,
  pieces: Pieces = {},
): Promise<void> {
  await withTimeline(async (tables, timeline) => {
    await fc.assert(
      fc.asyncProperty(conversations, async ({ arrived, reads }) => {
        for (const table of ["messaging_inbox", "messaging_outbox", "messaging_dangling"]) {
          await tables.write(() => void tables.statement(`DELETE FROM ${table}`).run());
        }
        timeline.forget();
        const expected = (count: number) =>
          orderMessages(
            arrived.slice(0, count).map((message) => ({
              ...message,
              name: nameText(message),
              chain: chainOf(message),
              tie: message.run,
              builtOn: [message.after, message.reply ?? ""],
            })),
          ).map(({ id }) => id);
        for (const [index, message] of arrived.entries()) {
          await store(tables, timeline, message);
          if (reads[index] !== true) continue;
          const isSettled = await settle(tables, timeline, false);
          if (isSettled !== false) assertEquals(stored(tables), expected(index + 1));
        }
        await settle(tables, timeline, true);
        assertEquals(stored(tables), expected(arrived.length));
      }),
      { numRuns: 150 },
    );
  }, pieces);
}

Deno.test("Timeline gives the order of all messages, whenever they came and were read", async () => {
  await checkOrder((_, timeline) => timeline.settle(PEER));
});

Deno.test("Settling gives the same order from stretches, where these say enough", async () => {
  await checkOrder(async (tables, timeline) => {
    await settleBy(tables, [1, 3, 6]);
    timeline.forget();
  });
});

Deno.test("Timeline gives the same order in pieces", async () => {
  await checkOrder((_, timeline) => timeline.settle(PEER), { stretches: [], atOnce: 2 });
});

Deno.test("Timeline gives the same order in pieces to what comes meanwhile", async () => {
  const reading: Promise<void>[] = [];
  await checkOrder(async (tables, timeline, isLast) => {
    reading.push(timeline.settle(PEER));
    // As where another message under a number comes.
    if (reading.length % 5 === 0) {
      await tables.write(() => timeline.writeUnplaced(PEER, 3 * GAP));
    }
    if (!isLast) return false;
    await Promise.all(reading.splice(0));
    await timeline.settle(PEER);
    return true;
  }, { stretches: [], atOnce: 1 });
});

const COMMON = { own: false, after: "", reply: null };
const LATE = { ...COMMON, run: "PPPPPPPPPPA", n: 2, id: "late", sentAt: 1_000 };

/** Two runs of so many messages, and one that came late and takes all of its run behind the other. */
async function storeLong(tables: ModuleTables, timeline: Timeline, count: number): Promise<void> {
  for (const run of [LATE.run, "QQQQQQQQQQA"]) {
    for (let n = 1; n <= count; n++) {
      const message = { ...COMMON, run, n, id: `${run[0]}${n}`, sentAt: n };
      if (run !== LATE.run || n !== LATE.n) await store(tables, timeline, message);
    }
  }
  await store(tables, timeline, LATE);
}

/** How many rows each transaction changes from now on. */
function countChanges(tables: ModuleTables): readonly number[] {
  const changes: number[] = [];
  const total = () => Number(tables.statement("SELECT total_changes() AS n").get()!.n);
  const write = tables.write.bind(tables);
  tables.write = (apply) =>
    write((peers) => {
      const before = total();
      apply(peers);
      changes.push(total() - before);
    });
  return changes;
}

Deno.test("Timeline puts a long conversation in order in pieces, and others have their turn", async () => {
  await withTimeline(async (tables, timeline) => {
    await storeLong(tables, timeline, 100);
    const changes = countChanges(tables);
    let hasEnded = false;
    const order = timeline.settle(PEER).then(() => hasEnded = true);
    for (let n = 1; n <= 30; n++) {
      const message = { ...COMMON, run: "RRRRRRRRRRA", n, id: `R${n}`, sentAt: n + 40 };
      await store(tables, timeline, message);
    }
    assertEquals(hasEnded, false, "others are stored before that has ended");
    await order;
    assert(Math.max(...changes) <= 17, `${Math.max(...changes)} rows in one go`);
    assertEquals(stored(tables), ordered(tables));
  }, { stretches: [], atOnce: 8 });
});

Deno.test("Timeline puts nothing long in order in one go, and lets what comes wait where it keeps a reader waiting", async () => {
  await withTimeline(async (tables, timeline) => {
    await storeLong(tables, timeline, 100);
    const changes = countChanges(tables);
    let hasEnded = false;
    const order = timeline.settle(PEER).then(() => hasEnded = true);
    let cuts = 0;
    for (; !hasEnded; cuts += 1) {
      if (!timeline.isHeld(PEER)) timeline.noteLinks(PEER);
      await tables.write(() => {});
    }
    await order;
    assertEquals(timeline.isHeld(PEER), false);
    assert(cuts > 3);
    assert(Math.max(...changes) <= 17, `${Math.max(...changes)} rows in one go`);
    assertEquals(stored(tables), ordered(tables));
  }, { stretches: [], atOnce: 8 });
});

Deno.test("Timeline in pieces minds what comes at any time, and what turns out to build on it", async () => {
  const first = { ...COMMON, run: "RRRRRRRRRRA", n: 1, id: "first", sentAt: 0 };
  const question = { ...LATE, n: 21, id: "question" };
  for (const message of [first, { ...first, sentAt: 10 }, question]) {
    for (let turns = 0; turns < 40; turns += 2) {
      await withTimeline(async (tables, timeline) => {
        await storeLong(tables, timeline, 20);
        const order = timeline.settle(PEER);
        for (let turn = 0; turn < turns; turn++) await tables.write(() => {});
        await store(tables, timeline, message);
        if (message === question) {
          await tables.write(() => {
            tables.statement("UPDATE messaging_inbox SET after = ? WHERE id = 'Q18'")
              .run(nameText(message));
            const place = findPlace(
              tables,
              PEER,
              nameText({ ...message, run: "QQQQQQQQQQA", n: 18 }),
            );
            timeline.noteLinks(PEER);
            if (typeof place!.place === "number") timeline.writeUnplaced(PEER, place!.place);
          });
        }
        await order;
        await timeline.settle(PEER);
        assertEquals(stored(tables), ordered(tables), `${message.id} after ${turns} turns`);
      }, { stretches: [], atOnce: 4 });
    }
  }
});

Deno.test("Timeline gives most messages their place as they come", async () => {
  await withTimeline(async (tables, timeline) => {
    const common = { sentAt: 5, reply: null };
    for (let n = 1; n <= 50; n++) {
      const own = { ...common, own: true, run: "OOOOOOOOOOA", n, id: `o${n}` };
      await store(tables, timeline, { ...own, after: n === 1 ? "" : `p.PPPPPPPPPPA.${n - 1}` });
      const theirs = { ...common, own: false, run: "PPPPPPPPPPA", n, id: `p${n}` };
      await store(tables, timeline, { ...theirs, after: `o.OOOOOOOOOOA.${n}` });
    }
    const { count } = tables
      .statement("SELECT COUNT(*) AS count FROM messaging_messages WHERE place IS NULL").get()!;
    assertEquals([count, stored(tables).slice(-2)], [0, ["o50", "p50"]]);
  });
});

Deno.test("Timeline puts two conversations in one order once their peer is one", async () => {
  await withTimeline(async (tables, timeline) => {
    const common = { own: false, after: "", reply: null };
    await store(tables, timeline, { ...common, run: "PPPPPPPPPPA", n: 1, id: "a", sentAt: 20 });
    await tables.write(() => timeline.writeMove(PEER, NEXT));
    await store(tables, timeline, { ...common, run: "QQQQQQQQQQA", n: 1, id: "b", sentAt: 10 });
    await tables.write(() => timeline.writeMove(PEER, NEXT));
    await timeline.settle(NEXT);
    assertEquals([stored(tables), stored(tables, NEXT)], [[], ["b", "a"]]);
  });
});

Deno.test("Timeline puts what comes late before what was stored of another run, and builds on it", async () => {
  await withTimeline(async (tables, timeline) => {
    const reply = nameText({ own: false, run: LATE.run, n: 1 });
    const early = { ...COMMON, run: "QQQQQQQQQQA", id: "early", sentAt: 1, n: 1 };
    await store(tables, timeline, { ...early, id: "first" });
    await store(tables, timeline, { ...early, n: 2, reply });
    await store(tables, timeline, { ...LATE, n: 1 });
    await timeline.settle(PEER);
    assertEquals(stored(tables), ["first", "late", "early"]);
  });
});

Deno.test("Timeline goes on waiting for what something builds on whose peer is another id since", async () => {
  await withTimeline(async (tables, timeline) => {
    const common = { own: false, run: "PPPPPPPPPPA", after: "", sentAt: 5 };
    await store(tables, timeline, { ...common, n: 1, id: "answer", reply: "p.QQQQQQQQQQA.1" });
    await tables.write(() => timeline.writeMove(PEER, NEXT));
    const question = { ...common, run: "QQQQQQQQQQA", n: 1, id: "question", reply: null };
    await tables.write(() => {
      const message = { ...question, conversation: NEXT, target: null };
      assertEquals(timeline.admit(message), null, "something stands behind it");
    });
  });
});

Deno.test("Timeline knows the newest of each run, also of more than it keeps in memory", async () => {
  await withTimeline(async (tables, timeline) => {
    const runs = Array.from({ length: 100 }, (_, index) => `P${index}`);
    for (const [index, run] of runs.entries()) {
      const message = { own: false, run, n: index + 1, id: run, sentAt: 5, after: "", reply: null };
      await store(tables, timeline, message);
    }
    const newest = runs.map((run) => timeline.newest(PEER, { own: false, run }));
    assertEquals(newest, runs.map((_, index) => index + 1));
    assertEquals(timeline.newest(PEER, { own: false, run: "unknown" }), 0);
  });
});

Deno.test("Timeline places what is stored right after it has put all in order", async () => {
  await withTimeline(async (tables, timeline) => {
    const common = { own: false, run: "PPPPPPPPPPA", after: "", reply: null, sentAt: 5 };
    for (const n of [3, 1, 2]) await store(tables, timeline, { ...common, n, id: `p${n}` });
    await Promise.all([
      timeline.settle(PEER),
      store(tables, timeline, { ...common, n: 4, id: "p4" }),
    ]);
    await timeline.settle(PEER);
    assertEquals(stored(tables), ["p1", "p2", "p3", "p4"]);
  });
});

Deno.test("Timeline moves nothing for a late number but what has to go elsewhere", async () => {
  await withTimeline(async (tables, timeline) => {
    const common = { own: false, run: "PPPPPPPPPPA", after: "", reply: null, sentAt: 5 };
    const places = () =>
      new Map(
        tables.statement("SELECT id, place FROM messaging_inbox").all()
          .map(({ id, place }) => [id, place]),
      );
    for (let n = 1; n <= 399; n += 2) await store(tables, timeline, { ...common, n, id: `p${n}` });
    const before = places();
    for (const n of [2, 4, 398]) await store(tables, timeline, { ...common, n, id: `p${n}` });
    await timeline.settle(PEER);
    const moved = [...before].filter(([id, place]) => places().get(id) !== place);
    assertEquals(moved, []);
    assertEquals(stored(tables).slice(0, 5), ["p1", "p2", "p3", "p4", "p5"]);
    // The answer was there before its question.
    const answer = { ...common, run: "QQQQQQQQQQA", n: 1, id: "answer", reply: "p.RRRRRRRRRRA.1" };
    await store(tables, timeline, { ...answer, sentAt: 1 });
    await timeline.settle(PEER);
    const answered = places();
    await store(tables, timeline, { ...common, run: "RRRRRRRRRRA", n: 1, id: "question" });
    await timeline.settle(PEER);
    const since = [...answered].filter(([id, place]) => places().get(id) !== place);
    assertEquals(since.map(([id]) => id), ["answer"]);
    const order = stored(tables);
    assertEquals(order.indexOf("question") < order.indexOf("answer"), true);
  });
});

Deno.test("nothing has a place while something that it builds on has none", async () => {
  const [RUN, OTHER, NEW] = ["PPPPPPPPPPA", "PPPPPPPPPPB", "PPPPPPPPPPC"];
  const written = { own: false, sentAt: 1, after: "", reply: null };
  const nameIn = (run: string, n = 1) => nameText({ own: false, run, n });
  const placesOf = (tables: ModuleTables) =>
    Object.fromEntries(
      tables.statement("SELECT id, place FROM messaging_messages").all()
        .map(({ id, place }) => [id, place !== null]),
    );
  for (
    const next of [
      { name: "alone", message: { run: NEW, n: 1, reply: nameIn(OTHER) } },
      { name: "next in the last one's run", message: { run: RUN, n: 2, reply: nameIn(OTHER) } },
      {
        name: "behind the last one by name",
        message: { run: NEW, n: 1, after: nameIn(RUN), reply: nameIn(OTHER) },
      },
    ]
  ) {
    await withTimeline(async (tables, timeline) => {
      const first = { ...written, id: "first", run: RUN, n: 1 };
      await store(tables, timeline, first);
      await store(tables, timeline, { ...written, id: "other", run: OTHER, n: 1 });
      await tables.write(() => {
        const from = next.name === "alone" ? 0 : findPlace(tables, PEER, nameIn(OTHER))!.place!;
        timeline.writeUnplaced(PEER, from);
      });
      await store(tables, timeline, { ...written, ...next.message, id: "next" });
      assertEquals(
        placesOf(tables),
        { first: next.name !== "alone", other: false, next: false },
        next.name,
      );
      await timeline.settle(PEER);
      assertEquals(placesOf(tables), { first: true, other: true, next: true });
    });
  }
});
