/**
 * What every store of a directory must do. Each implementation runs this suite.
 *
 * @module
 */
import { assertEquals, assertNotEquals } from "@std/assert";
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { DirectoryEntry, DirectoryStore, ListQuery } from "../../directory/stores/store.ts";
import { testIdentity } from "../protocol/signer.ts";

/** Makes a store whose memory of proofs begins at `beginMs`; `reopen` keeps what it holds. */
export type OpenStore = (beginMs: number) => Promise<{
  readonly store: DirectoryStore;
  reopen(): Promise<DirectoryStore>;
  /** Lets go of everything, the open store too. */
  close(): Promise<void>;
}>;

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

function listQuery(changes: Partial<ListQuery> = {}): ListQuery {
  const bounds = { leaseEndsAfter: 0, leaseEndsBy: NO_BOUND };
  return { after: "", limit: 100, ...bounds, service: null, alias: null, ...changes };
}

/** Registers the suite for one implementation. */
export function testDirectoryStore(name: string, open: OpenStore): void {
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

  test("put() of many at once stores the highest seq", async (store) => {
    const entries = [3, 9, 1, 7].map((seq) => entry(ids[0]!, { seq, text: `${seq}` }));
    await Promise.all(entries.map((each) => store.put({ entry: each, ...bare })));
    assertEquals((await store.find(ids[0]!)).entry?.seq, 9);
    assertEquals(await store.countNodes(), 1);
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
    assertEquals([await store.countNodes(), await listed(store)], [1, [newId]]);
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
  });

  test("counts nodes, leases and the ids of a host", async (store) => {
    const [a, b, c] = ids as [NodeId, NodeId, NodeId];
    await store.put({ entry: entry(a), ...bare });
    await store.put({ entry: entry(b, { leaseEndAt: 200 }), ...bare });
    await store.put({ entry: entry(c, { gone: true, host: "" }), ...bare });
    assertEquals(await store.countNodes(), 2);
    assertEquals(await store.countLeases([0, 100, 200]), [2, 1, 0]);
    assertEquals(await store.countOnHost("a.example", a), 1);
    assertEquals(await store.countOnHost("", a), 0);
    await store.put({ entry: entry(a, { seq: 6, gone: true }), ...bare });
    assertEquals(await store.countNodes(), 1);
    await store.put({ entry: entry(a, { seq: 7 }), ...bare });
    assertEquals(await store.countNodes(), 2);
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
    const [a, b, c] = ids as [NodeId, NodeId, NodeId];
    const iatSec = BEGIN_MS / 1000 + 10;
    await store.claimProof({ jti: "x", iatSec, nowMs: BEGIN_MS });
    const next = new Uint8Array(32);
    await store.put({ entry: entry(a, { leaseEndAt: 99 }), ...bare, next });
    const succession = { oldId: c, newId: b, text: "s", storedAt: 50, next: null };
    await store.put({ entry: entry(b, { leaseEndAt: 100 }), next, succession });
    const swept = await store.sweep({ leasesBefore: 100, proofsBefore: BEGIN_MS + 1 });
    assertEquals(swept, { forgotten: 1, proofs: 1 });
    assertEquals(await store.find(a), { entry: null, succession: null });
    assertEquals((await store.find(c)).succession, null);
    assertEquals([await store.pinnedNext(a), await store.countNodes()], [null, 1]);
    assertNotEquals(await store.pinnedNext(b), null);
    assertEquals(await store.claimProof({ jti: "x", iatSec, nowMs: BEGIN_MS }), false);
    assertEquals(await store.claimProof({ jti: "x", iatSec: iatSec + 1, nowMs: BEGIN_MS }), true);
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
      await store.put({ entry: entry(ids[0]!), next: new Uint8Array(32), succession });
      await store.setOwn("name", "value");
      const use = { jti: "x", iatSec: BEGIN_MS / 1000 + 1, nowMs: BEGIN_MS };
      await store.claimProof(use);
      const again = await opened.reopen();
      assertEquals((await again.find(ids[0]!)).entry, entry(ids[0]!));
      assertEquals((await again.find(ids[1]!)).succession?.text, "s");
      assertEquals([await again.getOwn("name"), await again.getOwn("other")], ["value", null]);
      assertEquals([await again.claimProof(use), await again.countNodes()], [false, 1]);
    } finally {
      await opened.close();
    }
  });
}
