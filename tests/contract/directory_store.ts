/**
 * What every store of a directory must do. Each implementation runs this suite.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import {
  type DirectoryEntry,
  type DirectoryStore,
  type ListQuery,
  type SweepOptions,
  SWEPT_A_STEP,
} from "../../directory/stores/store.ts";
import { testIdentity } from "../protocol/signer.ts";

/** Makes a store whose memory of proofs begins at `beginMs`; `reopen` keeps what it holds. */
export type OpenStore = (beginMs: number) => Promise<{
  readonly store: DirectoryStore;
  reopen(): Promise<DirectoryStore>;
  /** Lets go of everything, the open store too. */
  close(): Promise<void>;
}>;

/** What stores do differently. */
interface StoreTraits {
  /** Whether a used proof is forgotten by a sweep, and not by itself. */
  readonly sweepsProofs: boolean;
}

const BEGIN_MS = 1_790_000_000_000;
const NO_BOUND = Number.MAX_SAFE_INTEGER;
const ids = [1, 2, 3, 4, 5].map((seed) => testIdentity(seed).id).sort();

export function entry(id: NodeId, changes: Partial<DirectoryEntry> = {}): DirectoryEntry {
  return {
    id,
    text: "a.b.c",
    seq: 5,
    expSec: 9,
    apiUrl: "https://a.example/x",
    noiseKey: encodeBase64Url(new Uint8Array(32)),
    host: "a.example",
    alias: null,
    services: [],
    unlisted: false,
    gone: false,
    lastSeenAt: 1,
    leaseEndAt: 100,
    calledBackAt: 2,
    ...changes,
  };
}

const bare = { next: null, succession: null };

const nothingToSweep: SweepOptions = {
  nowMs: 0,
  proofsBefore: 0,
  leasesBefore: null,
  latestLeaseEnd: null,
  countsAt: { activeAfter: 0, recentAfter: 0 },
};

/** Sweeps until all is done. */
async function sweepAll(store: DirectoryStore, changes: Partial<SweepOptions>) {
  const sum = { forgotten: 0, proofs: 0 };
  for (let isDone = false; !isDone;) {
    const step = await store.sweep({ ...nothingToSweep, ...changes });
    sum.forgotten += step.forgotten;
    sum.proofs += step.proofs;
    isDone = step.isDone;
  }
  return sum;
}

/** How many nodes are not gone. */
async function known(store: DirectoryStore): Promise<number> {
  const { active, stale, dormant } = await store.countNodes();
  return active + stale + dormant;
}

function listQuery(changes: Partial<ListQuery> = {}): ListQuery {
  const bounds = { leaseEndsAfter: 0, leaseEndsBy: NO_BOUND };
  return { after: "", limit: 100, ...bounds, service: null, alias: null, ...changes };
}

/** Registers the suite for one implementation. */
export function testDirectoryStore(
  name: string,
  open: OpenStore,
  traits: StoreTraits = { sweepsProofs: true },
): void {
  function test(what: string, run: (store: DirectoryStore) => Promise<void>): void {
    Deno.test(`${name}: ${what}`, async () => {
      const opened = await open(BEGIN_MS);
      try {
        await run(opened.store);
      } finally {
        await opened.close();
      }
    });
  }

  async function listed(store: DirectoryStore, query: Partial<ListQuery> = {}): Promise<string[]> {
    return (await store.list(listQuery(query))).entries.map(({ id }) => id);
  }

  test("put() stores what find() gives back, member for member", async (store) => {
    const full = entry(ids[0]!, { alias: "ä 💬", services: ["a b", "c"], unlisted: true });
    assertEquals(await store.find(ids[0]!), { entry: null, succession: null });
    assertEquals(await store.put({ entry: full, ...bare }), { outcome: "stored" });
    assertEquals(await store.find(ids[0]!), { entry: full, succession: null });
  });

  test("put() takes a higher seq only, and shows what is there", async (store) => {
    const first = entry(ids[0]!);
    await store.put({ entry: first, ...bare });
    for (const changes of [{ seq: 4, text: "z.z.z" }, { seq: 5, text: "z.z.z" }, {}]) {
      const outcome = await store.put({ entry: entry(ids[0]!, changes), ...bare });
      assertEquals(outcome, { outcome: "behind", entry: first });
    }
    const next = entry(ids[0]!, { seq: 6, text: "0.0.0" });
    assertEquals((await store.put({ entry: next, ...bare })).outcome, "stored");
    assertEquals((await store.find(ids[0]!)).entry, next);
  });

  test("put() has a stored seq above latestSeq give way, and no other", async (store) => {
    const first = entry(ids[0]!, { seq: 100, services: ["old"] });
    await store.put({ entry: first, ...bare });
    const lower = { entry: entry(ids[0]!, { seq: 7, services: ["new"] }), ...bare };
    assertEquals((await store.put(lower, { latestSeq: 100 })).outcome, "behind");
    assertEquals((await store.put(lower, { latestSeq: 99 })).outcome, "stored");
    assertEquals((await store.find(ids[0]!)).entry, lower.entry);
    assertEquals([await listed(store, { service: "old" }), await listed(store)], [[], [ids[0]!]]);
    const below = { entry: entry(ids[0]!, { seq: 6 }), ...bare };
    assertEquals((await store.put(below, { latestSeq: 99 })).outcome, "behind");
  });

  test("put() of many at once stores the highest seq", async (store) => {
    const entries = [3, 9, 1, 7].map((seq) => entry(ids[0]!, { seq, text: `${seq}` }));
    await Promise.all(entries.map((each) => store.put({ entry: each, ...bare })));
    assertEquals((await store.find(ids[0]!)).entry?.seq, 9);
    assertEquals(await known(store), 1);
  });

  test("put() pins the first next of an id, in the transaction of its record", async (store) => {
    const [one, two] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    await store.put({ entry: entry(ids[0]!), ...bare });
    assertEquals(await store.pinnedNext(ids[0]!), null);
    await store.put({ entry: entry(ids[0]!, { seq: 6 }), ...bare, next: one });
    await store.put({ entry: entry(ids[0]!, { seq: 7 }), ...bare, next: two });
    await store.put({ entry: entry(ids[1]!), ...bare });
    await store.put({ entry: entry(ids[1]!), ...bare, next: two });
    assertEquals(new Uint8Array((await store.pinnedNext(ids[0]!))!), one);
    assertEquals(await store.pinnedNext(ids[1]!), null);
  });

  test("put() stores a succession, which ends the old id for good", async (store) => {
    const [oldId, newId] = [ids[0]!, ids[1]!];
    const next = new Uint8Array(32).fill(3);
    await store.put({ entry: entry(oldId), ...bare });
    const succession = { oldId, newId, text: "s", storedAt: 7, next };
    await store.put({ entry: entry(newId), next: new Uint8Array(32), succession });
    const found = await store.find(oldId);
    assertEquals([found.entry, found.succession?.text, found.succession?.newId], [
      null,
      "s",
      newId,
    ]);
    assertEquals(new Uint8Array((await store.pinnedNext(newId))!), next);
    const outcome = await store.put({ entry: entry(oldId, { seq: 99 }), ...bare });
    assertEquals(outcome.outcome, "succeeded");
    await store.merge({ entry: entry(oldId, { seq: 99 }), ...bare });
    assertEquals((await store.find(oldId)).entry, null);
    assertEquals([await known(store), await listed(store)], [1, [newId]]);
  });

  test("merge() gives the same, whatever the order", async (store) => {
    const entries = [
      entry(ids[0]!, { seq: 5, text: "a" }),
      entry(ids[0]!, { seq: 5, text: "b" }),
      entry(ids[0]!, { seq: 5, text: "b", leaseEndAt: 300, lastSeenAt: 3 }),
      entry(ids[0]!, { seq: 4, text: "z", leaseEndAt: 999 }),
      entry(ids[0]!, { seq: 5, text: "B" }),
    ];
    for (const each of entries) await store.merge({ entry: each, ...bare });
    const forwards = (await store.find(ids[0]!)).entry;
    const other = entries.map((each) => ({ ...each, id: ids[1]! })).reverse();
    for (const each of other) await store.merge({ entry: each, ...bare });
    const backwards = (await store.find(ids[1]!)).entry;
    assertEquals({ ...backwards, id: ids[0]! }, forwards!);
    assertEquals([forwards?.text, forwards?.leaseEndAt], ["b", 300]);
  });

  test("merge() never revives what is gone by an older record", async (store) => {
    const gone = entry(ids[0]!, { seq: 9, gone: true, apiUrl: "", host: "" });
    await store.merge({ entry: gone, ...bare });
    await store.merge({ entry: entry(ids[0]!, { seq: 8 }), ...bare });
    assertEquals((await store.find(ids[0]!)).entry?.gone, true);
    await store.merge({ entry: entry(ids[0]!, { seq: 10 }), ...bare });
    assertEquals((await store.find(ids[0]!)).entry?.gone, false);
  });

  test("list() pages in the order of ids, without gone and unlisted ones", async (store) => {
    const [a, b, c, d, e] = ids as [NodeId, NodeId, NodeId, NodeId, NodeId];
    for (const id of [c, a, e]) await store.put({ entry: entry(id), ...bare });
    await store.put({ entry: entry(b, { unlisted: true }), ...bare });
    await store.put({ entry: entry(d, { gone: true }), ...bare });
    assertEquals(await listed(store), [a, c, e]);
    const first = await store.list(listQuery({ limit: 2 }));
    assertEquals([first.entries.map(({ id }) => id), first.nextAfter], [[a, c], c]);
    const second = await store.list(listQuery({ limit: 2, after: c }));
    assertEquals([second.entries.map(({ id }) => id), second.nextAfter], [[e], null]);
    assertEquals((await store.list(listQuery({ limit: 3 }))).nextAfter, null);
  });

  test("list() compares whole values, and joins filters by and", async (store) => {
    const [a, b, c] = ids as [NodeId, NodeId, NodeId];
    await store.put({ entry: entry(a, { alias: "x", services: ["mail", "chat"] }), ...bare });
    await store.put({ entry: entry(b, { alias: "xy", services: ["mailer"] }), ...bare });
    await store.put({
      entry: entry(c, { alias: "x", services: ["mail"], leaseEndAt: 50 }),
      ...bare,
    });
    assertEquals(await listed(store, { service: "mail" }), [a, c]);
    assertEquals(await listed(store, { service: "mai" }), []);
    assertEquals(await listed(store, { alias: "x" }), [a, c]);
    assertEquals(await listed(store, { alias: "X" }), []);
    assertEquals(await listed(store, { alias: "x", service: "chat" }), [a]);
    assertEquals(await listed(store, { leaseEndsAfter: 50 }), [a, b]);
    assertEquals(await listed(store, { leaseEndsBy: 50, alias: "x" }), [c]);
    assertEquals(await listed(store, { leaseEndsBy: 50, service: "mail" }), [c]);
    await store.put({ entry: entry(a, { seq: 6, services: ["chat"] }), ...bare });
    await store.put({ entry: entry(c, { seq: 6, services: ["mail"], unlisted: true }), ...bare });
    assertEquals([
      await listed(store, { service: "mail" }),
      await listed(store, { service: "chat" }),
    ], [[], [a]]);
  });

  test("countNodes() tells nodes by what their leases were at the last sweep", async (store) => {
    const [a, b, c] = ids as [NodeId, NodeId, NodeId];
    const sweepAt = (activeAfter: number, recentAfter: number) =>
      sweepAll(store, { countsAt: { activeAfter, recentAfter } });
    await store.put({ entry: entry(a), ...bare });
    await store.put({ entry: entry(b, { leaseEndAt: 200 }), ...bare });
    await store.put({ entry: entry(c, { gone: true }), ...bare });
    assertEquals(await store.countNodes(), { active: 2, stale: 0, dormant: 0 });
    await sweepAt(100, 50);
    assertEquals(await store.countNodes(), { active: 1, stale: 1, dormant: 0 });
    await sweepAt(300, 200);
    assertEquals(await store.countNodes(), { active: 0, stale: 0, dormant: 2 });
    await store.put({ entry: entry(a, { seq: 6, leaseEndAt: 400 }), ...bare });
    assertEquals(await store.countNodes(), { active: 1, stale: 0, dormant: 1 });
    await store.put({ entry: entry(a, { seq: 7, leaseEndAt: 400, gone: true }), ...bare });
    assertEquals(await store.countNodes(), { active: 0, stale: 0, dormant: 1 });
    // A replica knows of a later lease.
    await store.merge({ entry: entry(b, { leaseEndAt: 350 }), ...bare });
    assertEquals(await store.countNodes(), { active: 1, stale: 0, dormant: 0 });
    // The clock was set back.
    await sweepAt(150, 50);
    assertEquals(await store.countNodes(), { active: 1, stale: 0, dormant: 0 });
    await store.put({ entry: entry(a, { seq: 8, leaseEndAt: 400 }), ...bare });
    assertEquals(await store.countNodes(), { active: 2, stale: 0, dormant: 0 });
  });

  test("countOnHost() counts ids, gone and succeeded ones too, where they are now", async (store) => {
    const [a, b, c] = ids as [NodeId, NodeId, NodeId];
    const count = async () => [await store.countOnHost("a.example"), await store.countOnHost("b")];
    await store.put({ entry: entry(a), ...bare });
    await store.put({ entry: entry(b), ...bare });
    assertEquals(await count(), [2, 0]);
    await store.put({ entry: entry(a, { seq: 6, gone: true }), ...bare });
    await store.put({ entry: entry(b, { seq: 6, host: "b" }), ...bare });
    assertEquals(await count(), [1, 1]);
    const succession = { oldId: b, newId: c, text: "s", storedAt: 7, next: null };
    await store.put({ entry: entry(c), next: null, succession });
    await store.put({ entry: entry(c, { seq: 6 }), next: null, succession });
    assertEquals(await count(), [2, 1]);
    assertEquals(await store.countOnHost(""), 0);
    await sweepAll(store, { leasesBefore: 1_000 });
    assertEquals(await count(), [0, 1]);
  });

  test("countStored() counts ids until they are forgotten, and successions for good", async (store) => {
    const [a, b, c] = ids as [NodeId, NodeId, NodeId];
    assertEquals(await store.countStored(), 0);
    await store.put({ entry: entry(a), ...bare });
    await store.put({ entry: entry(a, { seq: 6 }), ...bare });
    await store.put({ entry: entry(b, { gone: true }), ...bare });
    await store.merge({ entry: entry(b, { seq: 6, gone: true }), ...bare });
    assertEquals(await store.countStored(), 2);
    const succession = { oldId: a, newId: c, text: "s", storedAt: 7, next: null };
    await store.put({ entry: entry(c), next: null, succession });
    await store.putSuccession(succession);
    assertEquals(await store.countStored(), 3);
    await sweepAll(store, { leasesBefore: 1_000 });
    assertEquals(await store.countStored(), 1);
  });

  test("claimProof() takes each id once, also of many at once, and none of before", async (store) => {
    const iatSec = BEGIN_MS / 1000 + 1;
    const use = { jti: "x", iatSec, nowMs: BEGIN_MS };
    const claims = await Promise.all([store.claimProof(use), store.claimProof(use)]);
    assertEquals(claims.sort(), [false, true]);
    assertEquals(await store.claimProof(use), false);
    assertEquals(await store.claimProof({ ...use, jti: "y" }), true);
    assertEquals(await store.claimProof({ ...use, jti: "z", iatSec: iatSec - 1 }), false);
  });

  test("sweep() forgets by age, but never that a proof was used", async (store) => {
    const [a, b] = ids as [NodeId, NodeId];
    const iatSec = BEGIN_MS / 1000 + 10;
    await store.claimProof({ jti: "x", iatSec, nowMs: BEGIN_MS });
    const next = new Uint8Array(32);
    await store.put({ entry: entry(a, { leaseEndAt: 99 }), ...bare, next });
    await store.put({ entry: entry(b, { leaseEndAt: 100 }), ...bare, next });
    const swept = await sweepAll(store, { leasesBefore: 100, proofsBefore: BEGIN_MS + 1 });
    assertEquals(swept, { forgotten: 1, proofs: traits.sweepsProofs ? 1 : 0 });
    assertEquals(await store.find(a), { entry: null, succession: null });
    assertEquals([await store.pinnedNext(a), await known(store)], [null, 1]);
    assertNotEquals(await store.pinnedNext(b), null);
    assertEquals(await store.claimProof({ jti: "x", iatSec, nowMs: BEGIN_MS }), false);
    const later = { jti: "x", iatSec: iatSec + 1, nowMs: BEGIN_MS };
    assertEquals(await store.claimProof(later), traits.sweepsProofs);
  });

  test("sweep() forgets no node unless it is told before when", async (store) => {
    await store.put({ entry: entry(ids[0]!), ...bare });
    assertEquals((await sweepAll(store, { nowMs: NO_BOUND })).forgotten, 0);
    assertEquals((await store.find(ids[0]!)).entry, entry(ids[0]!));
  });

  test("sweep() never forgets a succession, nor what its old id had pinned", async (store) => {
    const [oldId, newId] = ids as [NodeId, NodeId];
    const next = new Uint8Array(32).fill(4);
    await store.put({ entry: entry(oldId), ...bare, next });
    const succession = { oldId, newId, text: "s", storedAt: 50, next: null };
    await store.put({ entry: entry(newId), next: null, succession });
    assertEquals((await sweepAll(store, { leasesBefore: NO_BOUND })).forgotten, 1);
    assertEquals((await store.find(newId)).entry, null);
    assertEquals((await store.find(oldId)).succession?.text, "s");
    assertEquals(new Uint8Array((await store.pinnedNext(oldId))!), next);
    const outcome = await store.put({ entry: entry(oldId, { seq: 99 }), ...bare });
    assertEquals(outcome.outcome, "succeeded");
  });

  test("sweep() cuts leases that no right clock can have given", async (store) => {
    const [a, b] = ids as [NodeId, NodeId];
    await store.put({ entry: entry(a), ...bare });
    const ahead = { lastSeenAt: 900, leaseEndAt: 1_000, calledBackAt: 900 };
    await store.put({ entry: entry(b, ahead), ...bare });
    await store.find(b);
    await sweepAll(store, { nowMs: 50, latestLeaseEnd: 150 });
    const cut = { lastSeenAt: 50, leaseEndAt: 150, calledBackAt: 50 };
    assertEquals((await store.find(b)).entry, entry(b, cut));
    assertEquals((await store.find(a)).entry, entry(a));
  });

  test("sweep() forgets and cuts so many nodes a step, and all in the end", async (store) => {
    const many = Array.from({ length: 200 }, (_, at) => `z${String(at).padStart(5, "0")}`);
    const puts = many.map((id, at) =>
      store.put({ entry: entry(id as NodeId, { leaseEndAt: at, gone: at % 3 === 0 }), ...bare })
    );
    await Promise.all(puts);
    const options = { ...nothingToSweep, leasesBefore: 80, latestLeaseEnd: 149 };
    const cut = async () => {
      const found = await Promise.all(many.slice(150).map((id) => store.find(id as NodeId)));
      return found.filter(({ entry }) => entry?.leaseEndAt === 149).length;
    };
    let forgotten = 0;
    for (let isDone = false, before = 0; !isDone;) {
      const step = await store.sweep(options);
      forgotten += step.forgotten;
      isDone = step.isDone;
      const after = await cut();
      const changed = step.forgotten + after - before;
      assert(isDone ? changed < SWEPT_A_STEP : changed === SWEPT_A_STEP, `${changed}`);
      before = after;
    }
    assertEquals([forgotten, await cut()], [80, 50]);
  });

  test("claimProof() begins anew where its memory is said to begin far ahead", async (store) => {
    const iatSec = BEGIN_MS / 1000 - 7_200;
    const use = { jti: "x", iatSec, nowMs: iatSec * 1000 };
    assertEquals(await store.claimProof(use), false);
    assertEquals(await store.claimProof({ ...use, iatSec: iatSec + 1 }), true);
    assertEquals(await store.claimProof({ ...use, jti: "y", iatSec: iatSec + 1 }), true);
    assertEquals(await store.claimProof({ ...use, iatSec: iatSec + 1 }), false);
  });

  test("a sweep beside a claim does not undo that the memory of proofs begins anew", async (store) => {
    const iatSec = BEGIN_MS / 1000 - 7_200;
    const use = { jti: "x", iatSec, nowMs: iatSec * 1000 };
    const [, isNew] = await Promise.all([store.sweep(nothingToSweep), store.claimProof(use)]);
    assertEquals(isNew, false);
    const later = { ...use, iatSec: iatSec + 1, nowMs: use.nowMs + 1_000 };
    assertEquals(await store.claimProof(later), true);
  });

  test("swapOwn() sets what has not changed since, once of many at once", async (store) => {
    const values = ["1", "2", "3"];
    const swaps = await Promise.all(values.map((value) => store.swapOwn("x", null, value)));
    assertEquals(swaps.filter((isSet) => isSet).length, 1);
    const first = (await store.getOwn("x"))!;
    assertEquals(first, values[swaps.indexOf(true)]);
    assertEquals(await store.swapOwn("x", "other", "4"), false);
    assertEquals(await store.swapOwn("x", first, "5"), true);
    assertEquals(await store.getOwn("x"), "5");
  });

  test("the revision grows with every change of nodes", async (store) => {
    const before = store.revision;
    await store.put({ entry: entry(ids[0]!), ...bare });
    assertNotEquals(store.revision, before);
  });

  Deno.test(`${name}: everything is there again after reopening`, async () => {
    const opened = await open(BEGIN_MS);
    try {
      const { store } = opened;
      const succession = { oldId: ids[1]!, newId: ids[0]!, text: "s", storedAt: 7, next: null };
      const services = ["mail"];
      await store.put({
        entry: entry(ids[0]!, { services }),
        next: new Uint8Array(32),
        succession,
      });
      assertEquals(await store.swapOwn("name", null, "value"), true);
      const use = { jti: "x", iatSec: BEGIN_MS / 1000 + 1, nowMs: BEGIN_MS };
      await store.claimProof(use);
      const again = await opened.reopen();
      assertEquals((await again.find(ids[0]!)).entry, entry(ids[0]!, { services }));
      assertEquals((await again.find(ids[1]!)).succession?.text, "s");
      assertEquals([await again.getOwn("name"), await again.getOwn("other")], ["value", null]);
      assertEquals([await again.claimProof(use), await known(again)], [false, 1]);
      assertEquals(
        [await listed(again, { service: "mail" }), await again.countOnHost("a.example")],
        [[ids[0]!], 1],
      );
    } finally {
      await opened.close();
    }
  });

  test("ban() lets go of a node and keeps its id out until unban()", async (store) => {
    const [id, other] = ids as [NodeId, NodeId];
    const ban = { id, bannedAt: 70, note: "spam, \n 💬" };
    await store.put({ entry: entry(id, { services: ["a"] }), ...bare });
    await store.put({ entry: entry(other, { services: ["a"] }), ...bare });
    await store.ban(ban);
    assertEquals(await store.find(id), { entry: null, succession: null, ban });
    assertEquals(await listed(store), [other]);
    assertEquals(await listed(store, { service: "a" }), [other]);
    assertEquals([await store.countOnHost("a.example"), await known(store)], [1, 1]);
    const again = { entry: entry(id, { seq: 99 }), ...bare };
    assertEquals(await store.put(again), { outcome: "banned" });
    await store.merge(again);
    assertEquals(await store.find(id), { entry: null, succession: null, ban });
    assertEquals([await store.unban(id), await store.unban(id)], [true, false]);
    assertEquals(await store.put(again), { outcome: "stored" });
    assertEquals(await store.find(id), { entry: again.entry, succession: null });
  });

  test("ban() takes an id that never was here, and a second one says why anew", async (store) => {
    await store.ban({ id: ids[1]!, bannedAt: 70, note: "" });
    await store.ban({ id: ids[0]!, bannedAt: 71, note: "b" });
    await store.ban({ id: ids[1]!, bannedAt: 99, note: "a" });
    const all = [{ id: ids[0]!, bannedAt: 71, note: "b" }, {
      id: ids[1]!,
      bannedAt: 70,
      note: "a",
    }];
    assertEquals(await store.listBans({ after: "", limit: 9 }), all);
    assertEquals(await store.listBans({ after: "", limit: 1 }), all.slice(0, 1));
    assertEquals(await store.listBans({ after: ids[0]!, limit: 1 }), all.slice(1));
    assertEquals((await store.find(ids[1]!)).ban, all[1]);
  });

  const key = {
    keyId: "AAAAAAAAAAA",
    secret: new Uint8Array(16).fill(200),
    madeAt: BEGIN_MS,
    expiresAt: BEGIN_MS + 1_000,
    uses: 2,
    note: "for carol, \n 💬",
  };

  test("useKey() counts each id once, and no more ids than the key lets in", async (store) => {
    const [a, b, c] = ids as [NodeId, NodeId, NodeId];
    const { keyId } = key;
    assertEquals(await store.useKey({ keyId, id: a, nowMs: BEGIN_MS }), "unknown");
    assertEquals(await store.findKey(keyId, a), null);
    await store.addKey(key);
    const stored = { ...key, revokedAt: null, used: 0 };
    assertEquals(await store.findKey(keyId, a), { ...stored, isUser: false });
    const uses = [a, a, b, c].map((id) => store.useKey({ keyId, id, nowMs: BEGIN_MS }));
    assertEquals(await Promise.all(uses), [null, null, null, "used"]);
    assertEquals(await store.useKey({ keyId, id: a, nowMs: BEGIN_MS }), null);
    assertEquals(await store.findKey(keyId, b), { ...stored, used: 2, isUser: true });
    assertEquals((await store.findKey(keyId, c))?.isUser, false);
    assertEquals(await store.useKey({ keyId, id: a, nowMs: BEGIN_MS + 1_000 }), "expired");
  });

  test("revokeKey() ends a key, listKeys() shows it", async (store) => {
    const { keyId } = key;
    const other = { ...key, keyId: "BBBBBBBBBBB", expiresAt: null, note: "" };
    for (const each of [other, key]) await store.addKey(each);
    assertEquals(await store.revokeKey("CCCCCCCCCCC", BEGIN_MS), false);
    assertEquals(await store.revokeKey(keyId, BEGIN_MS + 5), true);
    assertEquals(await store.revokeKey(keyId, BEGIN_MS + 9), false);
    assertEquals(await store.useKey({ keyId, id: ids[0]!, nowMs: BEGIN_MS }), "revoked");
    await store.useKey({ keyId: other.keyId, id: ids[0]!, nowMs: BEGIN_MS });
    const all = [
      { ...key, revokedAt: BEGIN_MS + 5, used: 0 },
      { ...other, revokedAt: null, used: 1 },
    ];
    assertEquals(await store.listKeys({ after: "", limit: 9 }), all);
    assertEquals(await store.listKeys({ after: "", limit: 1 }), all.slice(0, 1));
    assertEquals(await store.listKeys({ after: keyId, limit: 1 }), all.slice(1));
  });

  test("ban() keeps the pin, remove() forgets it too", async (store) => {
    const next = new Uint8Array(32).fill(7);
    for (const id of ids.slice(0, 2)) {
      await store.put({ entry: entry(id), next, succession: null });
    }
    await store.ban({ id: ids[0]!, bannedAt: 1, note: "" });
    assertEquals(await store.pinnedNext(ids[0]!), next);
    assertEquals([await store.remove(ids[1]!), await store.remove(ids[1]!)], [true, false]);
    assertEquals(await store.pinnedNext(ids[1]!), null);
    assertEquals(await store.find(ids[1]!), { entry: null, succession: null });
    assertEquals([await known(store), await store.countStored()], [0, 0]);
    assertEquals(await store.put({ entry: entry(ids[1]!), ...bare }), { outcome: "stored" });
  });

  test("listAll() pages through all nodes, the latest lease first", async (store) => {
    const leases = [50, 90, 50, 50, 70];
    for (const [index, leaseEndAt] of leases.entries()) {
      const changes = { leaseEndAt, unlisted: index === 1, gone: index === 4 };
      await store.put({ entry: entry(ids[index]!, changes), ...bare });
    }
    const order = [ids[1]!, ids[3]!, ids[2]!, ids[0]!];
    const found: string[] = [];
    for (let after = null, isMore = true; isMore;) {
      const page = await store.listAll({ after, limit: 2, gone: false });
      found.push(...page.map(({ id }) => id));
      after = page.at(-1) ?? null;
      isMore = page.length === 2;
    }
    assertEquals(found, order);
    const gone = await store.listAll({ after: null, limit: 9, gone: true });
    assertEquals(gone.map(({ id }) => id), [ids[4]!]);
    const behind = { leaseEndAt: 60, id: ids[4]! };
    const rest = await store.listAll({ after: behind, limit: 9, gone: false });
    assertEquals(rest.map(({ id }) => id), order.slice(1));
  });
}
