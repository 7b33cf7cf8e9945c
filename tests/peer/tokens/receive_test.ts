import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeNodeId, encodeBase64Url } from "../../../crypto/encoding.ts";
import type { KeyRef } from "../../../crypto/interface.ts";
import { EnvelopeReceiver } from "../../../peer/tokens/receive.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MINUTE_MS } from "../parts.ts";
import { issuePair, TestNodeKeys } from "../test_node_keys.ts";
import { hex, ReceiveWorld } from "./receive_world.ts";

Deno.test("EnvelopeReceiver stores the half durably and takes the peer into the book", async () => {
  using world = await ReceiveWorld.create();
  const { base } = world;
  const issued = await world.issue();
  assertEquals(await world.receive(issued.b), hex(issued.pairId));
  const [entry] = (await base.reload()).all();
  assertEquals([entry?.peer, entry?.info.role], [base.peer.id, "responder"]);
  assertEquals(entry?.endsAt, entry!.info.issuedAt + 5 * MINUTE_MS);
  assertEquals(world.book.get(base.peer.id)?.known, false, "an introduction is no session");
  assert(!world.receiver.leadsTo(entry!.pairId, base.peer.id), "it may answer, not call");
});

Deno.test("EnvelopeReceiver takes the same text again, and refuses another of its pair_id", async () => {
  using world = await ReceiveWorld.create();
  const { base } = world;
  const first = await world.issue();
  const results = await Promise.all([world.receive(first.b), world.receive(first.b)]);
  assertEquals(results, [hex(first.pairId), hex(first.pairId)]);
  assertEquals(await world.receive(first.b), hex(first.pairId));
  assertEquals(base.parts.log.audited("token_received"), 1);
  const outside = { pair_id: encodeBase64Url(first.pairId) };
  const other = await world.issue({ outside });
  assertEquals((await world.refusal(other.b))[0], "pair_seen");
  const stranger = await TestNodeKeys.create(base.parts.crypto);
  const elsewhere = await issuePair(stranger, { a: base.peer, b: base.own, outside });
  assertEquals((await world.refusal(elsewhere.b, await stranger.record()))[0], "pair_seen");
});

Deno.test("EnvelopeReceiver refuses what another directory issued, or is for another node", async () => {
  using world = await ReceiveWorld.create();
  const { base } = world;
  const other = await TestNodeKeys.create(base.parts.crypto);
  const foreign = await issuePair(other, { a: base.peer, b: base.own });
  assertEquals(await world.refusal(foreign.b), ["envelope_refused", "Not for this node"]);
  const issued = await world.issue();
  assertEquals(await world.refusal(issued.a), ["envelope_refused", "Not for this node"]);
});

Deno.test("EnvelopeReceiver refuses a signature that does not hold", async () => {
  using world = await ReceiveWorld.create();
  const { b } = await world.issue();
  const [code, why] = await world.refusal(`${b.slice(0, -8)}AAAAAAAA`);
  assertEquals([code, why.startsWith("The signature")], ["envelope_refused", true]);
  assertEquals(world.base.parts.log.audited("token_refused"), 1);
});

Deno.test("EnvelopeReceiver gives 120 s to an end, and as much to a beginning", async () => {
  using world = await ReceiveWorld.create();
  const { clock } = world.base.parts;
  const issued = await world.issue();
  const later = await world.issue();
  clock.offsetMs += 7 * MINUTE_MS;
  await world.receive(issued.b);
  clock.offsetMs += 1;
  assertEquals((await world.refusal(later.b))[1], "Expired");
  clock.offsetMs -= 9 * MINUTE_MS + 1;
  await world.receive(later.b);
  const ahead = await world.issue({ issuedAt: clock.nowMs() + 2 * MINUTE_MS + 1_000 });
  assertEquals((await world.refusal(ahead.b))[1], "Issued ahead of this clock");
});

Deno.test("EnvelopeReceiver refuses times that differ inside and outside", async () => {
  using world = await ReceiveWorld.create();
  const iat = Math.floor(world.base.parts.clock.nowMs() / 1000);
  for (const outside of [{ iat: iat - 1 }, { exp: iat + 301 }]) {
    const { b } = await world.issue({ outside });
    assertEquals((await world.refusal(b))[1], "Its times differ inside and outside");
  }
  const long = await world.issue({ lifeMs: 300_001 });
  assertEquals((await world.refusal(long.b))[0], "envelope_refused");
});

Deno.test("EnvelopeReceiver refuses an inside that does not open from the directory's noise key", async () => {
  using world = await ReceiveWorld.create();
  const { base } = world;
  const thief = await TestNodeKeys.create(base.parts.crypto);
  const foreign = await issuePair(thief, { a: base.peer, b: base.own });
  const noise = JSON.parse(atob(foreign.b.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/")))
    .noise;
  for (const bad of [noise, "", "AAAA", encodeBase64Url(new Uint8Array(6_000))]) {
    const { b } = await world.issue({ outside: { noise: bad } });
    assertEquals((await world.refusal(b))[0], "envelope_refused");
  }
});

Deno.test("EnvelopeReceiver judges the peer's record as any other", async () => {
  using world = await ReceiveWorld.create();
  const { base, book } = world;
  const now = base.parts.clock.nowMs();
  const stale = await base.peer.recordText({ seq: now - 25 * 60 * MINUTE_MS });
  assertEquals(
    (await world.refusal((await world.issue({ recordOfA: stale })).b))[1],
    "By this clock the record ended 60 min ago",
  );
  const gone = await base.peer.recordText({ gone: true, api_url: "" });
  assertEquals(
    (await world.refusal((await world.issue({ recordOfA: gone })).b))[1],
    "The peer is gone",
  );
  const newer = await base.peer.record({ seq: now + 5 });
  await book.take(newer);
  await world.receive((await world.issue()).b);
  assertEquals(book.get(base.peer.id)?.record.text, newer.text, "an older record moves nothing");
});

Deno.test("EnvelopeReceiver refuses its own record as the peer's", async () => {
  using world = await ReceiveWorld.create();
  const { own } = world.base;
  const { b } = await world.issue({ recordOfA: await own.recordText() });
  assertEquals((await world.refusal(b))[0], "envelope_refused");
});

Deno.test("EnvelopeReceiver refuses a peer that another id followed", async () => {
  using world = await ReceiveWorld.create();
  const { base, book } = world;
  const next = await TestNodeKeys.create(base.parts.crypto);
  const pin = await base.parts.crypto.sha256(decodeNodeId(next.id)!);
  await book.take(await base.peer.record({ next: encodeBase64Url(pin) }));
  const chain = [await next.succession(base.peer.id)];
  assert(await book.follow({ chain, record: await next.record() }));
  const [code, why] = await world.refusal((await world.issue()).b);
  assertEquals([code, why], ["envelope_refused", "Another identity has followed this one"]);
});

Deno.test("EnvelopeReceiver takes an initiator's half only for a target asked in the last five minutes", async () => {
  using world = await ReceiveWorld.create();
  const { own, peer, parts } = world.base;
  const ask = () => world.issue({ a: own, b: peer });
  assertEquals((await world.refusal((await ask()).a))[1], "Nobody asked for this pair");
  assertEquals(parts.log.audited("unasked_half"), 1);
  world.receiver.noteAsked(peer.id);
  parts.clock.skip(5 * MINUTE_MS);
  const taken = await world.receive((await ask()).a);
  assert(world.receiver.leadsTo(taken, peer.id));
  assert(!world.receiver.leadsTo(taken, own.id));
  parts.clock.skip(1);
  assertEquals((await world.refusal((await ask()).a))[1], "Nobody asked for this pair");
});

Deno.test("EnvelopeReceiver keeps four unused pairs of a peer: the oldest goes, its id stays", async () => {
  using world = await ReceiveWorld.create();
  const issued = [];
  for (let index = 0; index < 6; index++) {
    issued.push(await world.issue());
    await world.receive(issued[index]!.b);
    world.base.parts.clock.skip(1_000);
  }
  assertEquals(world.unused, issued.slice(2).map(({ pairId }) => hex(pairId)));
  await world.receive(issued[0]!.b);
  const outside = { pair_id: encodeBase64Url(issued[0]!.pairId) };
  assertEquals((await world.refusal((await world.issue({ outside })).b))[0], "pair_seen");
  assertEquals(world.unused.length, 4);
});

Deno.test("EnvelopeReceiver does not count used pairs", async () => {
  using world = await ReceiveWorld.create();
  const { vault } = world.base;
  for (let index = 0; index < 4; index++) await world.receive((await world.issue()).b);
  await vault.commit({ put: vault.all().map((entry) => ({ ...entry, taken: ["hash"] })) });
  await world.receive((await world.issue()).b);
  assertEquals(world.unused.length, 5);
});

Deno.test("EnvelopeReceiver refuses a stranger the 1,001st unused pair of a directory with 429", async () => {
  using world = await ReceiveWorld.create();
  const { base } = world;
  await world.receive((await world.issue()).b);
  const [entry] = base.vault.all();
  const all = base.vault.all.bind(base.vault);
  base.vault.all = () => Array.from({ length: 1_000 }, () => entry!);
  const { b } = await world.issue();
  const error = await assertRejects(() => world.receive(b), OpenRedError);
  assertEquals([error.code, error.retryAfterMs], ["too_many_pairs", 5 * MINUTE_MS]);
  await base.parts.permissions.accept(base.peer.id);
  await world.receive((await world.issue()).b);
  base.vault.all = () => Array.from({ length: 999 }, () => entry!);
  await world.receive(b);
  base.vault.all = () => Array.from({ length: 1_000 }, () => entry!);
  base.parts.clock.skip(7 * MINUTE_MS + 1);
  await world.receive((await world.issue()).b);
  base.vault.all = all;
});

Deno.test("EnvelopeReceiver says that it is overloaded when nothing can be stored", async () => {
  using world = await ReceiveWorld.create();
  const { parts } = world.base;
  parts.files.isFull = true;
  parts.fillDisk();
  const { b } = await world.issue();
  for (const _ of ["first", "again"]) {
    const error = await assertRejects(() => world.receive(b), OpenRedError);
    assertEquals(error.code, "overloaded");
  }
  parts.files.isFull = false;
  await world.receive(b);
  assertEquals((await world.base.reload()).all().length, 1, "a repeat stores it after all");
});

Deno.test("EnvelopeReceiver leaves no half in the core that it does not keep", async () => {
  using world = await ReceiveWorld.create();
  const { parts, own, peer, vault } = world.base;
  const { crypto } = parts;
  const halves: KeyRef[] = [];
  const open = crypto.openEnvelope.bind(crypto);
  crypto.openEnvelope = async (options) => {
    const opened = await open(options);
    halves.push(opened.half);
    return opened;
  };
  await world.refusal((await world.issue({ a: own, b: peer })).a);
  const { b } = await world.issue();
  await Promise.all([world.receive(b), world.receive(b)]);
  await parts.permissions.block(peer.id);
  await world.receive((await world.issue()).b);
  assertEquals([halves.length, parts.log.audited("permission_denied")], [4, 1]);
  const kept = vault.all().map(({ half }) => half);
  for (const half of halves.filter((candidate) => !kept.includes(candidate))) {
    const sealing = crypto.sealLines({
      vault: own.keys.vault,
      lines: [{ half, name: "x", meta: "{}" }],
    });
    await assertRejects(() => sealing, Error, "no such handle");
  }
});

Deno.test("EnvelopeReceiver opens with the noise keys that it is given at that moment", async () => {
  using world = await ReceiveWorld.create();
  const { base } = world;
  let { noiseKeys } = base.own.keys;
  const receiver = new EnvelopeReceiver({ ...base.parts, vault: base.vault, book: world.book }, {
    id: base.own.id,
    get noiseKeys() {
      return noiseKeys;
    },
  });
  await receiver.receive((await world.issue()).b, world.directoryRecord);
  noiseKeys = (await TestNodeKeys.create(base.parts.crypto)).keys.noiseKeys;
  const late = receiver.receive((await world.issue()).b, world.directoryRecord);
  assertEquals((await assertRejects(() => late, OpenRedError)).code, "envelope_refused");
});
