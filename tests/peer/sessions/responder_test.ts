import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeBase64Url, decodeNodeId, encodeBase64Url } from "../../../crypto/encoding.ts";
import { type CryptoCore, CryptoError, type KeyRef } from "../../../crypto/interface.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { HOUR_MS, MINUTE_MS } from "../parts.ts";
import { TestNodeKeys } from "../test_node_keys.ts";
import { LIFE_MS, ResponderWorld } from "./responder_world.ts";
import { settle } from "../../world/settle.ts";

/** What the core gives out for handshakes and has not been given back. */
function watchHandles(crypto: CryptoCore): ReadonlySet<KeyRef> {
  const held = new Set<KeyRef>();
  const { readHandshake, acceptHandshake, release } = crypto;
  crypto.readHandshake = async (options) => {
    const read = await readHandshake.call(crypto, options);
    held.add(read.handshake);
    return read;
  };
  crypto.acceptHandshake = async (options) => {
    const accepted = await acceptHandshake.call(crypto, options);
    held.delete(options.handshake);
    held.add(accepted.session);
    return accepted;
  };
  crypto.release = (key) => {
    held.delete(key);
    return release.call(crypto, key);
  };
  return held;
}

Deno.test("Responder answers a message 1 that holds, and consumes the pair with four standby pairs", async () => {
  using world = await ResponderWorld.create();
  const pair = await world.pair();
  const { request, handshake } = await world.message(pair);
  const answer = await world.responder().answer(request);
  const noise = decodeBase64Url(answer.noise)!;
  const read = await world.parts.crypto.readAnswer({ handshake, noise });
  assertEquals(read.lifeMs, LIFE_MS);
  const [used, ...standby] = world.vault.all();
  assertEquals([used?.taken.length, used?.half !== null, standby.length], [1, true, 4]);
  assertEquals(standby.map(({ info }) => info.role), [
    "responder",
    "responder",
    "initiator",
    "initiator",
  ]);
  assertEquals(world.vault.startable(world.peer.id), [], "b does not start from them yet");
  assert(world.table.get(used!.session!)?.confirmed === false);
  const { log, clock } = world.parts;
  assertEquals(["token_validated", "handshake"].map((event) => log.audited(event)), [1, 1]);
  const [noted] = world.validations.views(clock.nowMs());
  assertEquals([noted?.peer, noted?.validation_result], [world.peer.id, true]);
});

Deno.test("Responder asks the core for little between the messages of a peer that it knows", async () => {
  using world = await ResponderWorld.create();
  const { request } = await world.message(await world.pair());
  await world.book.take(await world.peer.record());
  await world.ownRecord.current();
  const calls: string[] = [];
  const { crypto } = world.parts;
  const names = [
    "handshakeHash",
    "readHandshake",
    "verifyJws",
    "acceptHandshake",
    "release",
  ] as const;
  for (const name of names) {
    const call = crypto[name].bind(crypto) as (argument: never) => Promise<never>;
    crypto[name] = ((argument: never) => {
      calls.push(name);
      return call(argument);
    }) as never;
  }
  const answer = await world.responder().answer(request);
  assertEquals(calls, ["readHandshake", "acceptHandshake"]);
  assert(answer.session_established);
});

Deno.test("Responder writes a refusal down, and a token that does not match as such", async () => {
  using world = await ResponderWorld.create();
  const { crypto, log, clock } = world.parts;
  crypto.acceptHandshake = () => Promise.reject(new CryptoError("handshake_failed", "No match"));
  const { request } = await world.message(await world.pair());
  assertEquals(await world.refusal(world.responder(), request), "No match");
  const events = ["token_validated", "handshake_refused", "handshake"];
  assertEquals(events.map((event) => log.audited(event)), [1, 1, 0]);
  assertEquals(log.entries.find(({ event }) => event === "token_validated")?.fields.success, false);
  assertEquals(world.validations.views(clock.nowMs())[0]?.validation_result, false);
});

Deno.test("Responder takes the newer record of message 1 into the book", async () => {
  using world = await ResponderWorld.create();
  await world.book.take(await world.peer.record());
  const record = await world.peer.recordText({ seq: world.parts.clock.nowMs() + 1 });
  const { request } = await world.message(await world.pair(), { record });
  await world.responder().answer(request);
  assertEquals(world.book.get(world.peer.id)?.record.text, record);
});

Deno.test("Responder holds one session's keys for a pair, and no handshake that is over", async () => {
  using world = await ResponderWorld.create();
  const held = watchHandles(world.parts.crypto);
  const pair = await world.pair();
  for (let time = 0; time < 3; time++) {
    await world.responder().answer((await world.message(pair)).request);
    assertEquals(held.size, 1);
  }
});

const MEANWHILE: Record<string, (world: ResponderWorld) => unknown> = {
  "The pair was spent meanwhile": async ({ vault }) => {
    await vault.commit({ put: vault.all().map((entry) => ({ ...entry, half: null })) });
  },
  "The initiator is blocked": ({ parts, peer }) => parts.permissions.block(peer.id),
  "The session was cut off meanwhile": ({ table }) => {
    const add = table.add.bind(table);
    table.add = (session) => {
      add(session);
      table.remove(session);
    };
  },
};

for (const [why, happen] of Object.entries(MEANWHILE)) {
  Deno.test(`Responder keeps no session and no key when it turns out late: ${why}`, async () => {
    using world = await ResponderWorld.create();
    const { crypto } = world.parts;
    const accept = crypto.acceptHandshake.bind(crypto);
    crypto.acceptHandshake = async (options) => {
      const accepted = await accept(options);
      await happen(world);
      return accepted;
    };
    const held = watchHandles(crypto);
    const { request } = await world.message(await world.pair());
    assertEquals(await world.refusal(world.responder(), request), why);
    assertEquals([world.table.all(), held.size], [[], 0]);
  });
}

Deno.test("Responder gives the very same message the very same answer for two minutes", async () => {
  using world = await ResponderWorld.create();
  const responder = world.responder();
  const { request } = await world.message(await world.pair());
  const answers = await Promise.all([responder.answer(request), responder.answer(request)]);
  world.parts.clock.skip(2 * MINUTE_MS - 1);
  assertEquals(await responder.answer(request), answers[0]);
  assertEquals(answers[0], answers[1]);
  assertEquals(world.table.all().length, 1);
  world.parts.clock.skip(1);
  assertEquals(await world.refusal(responder, request), "This message was answered before");
});

Deno.test("Responder repeats an answer once its session was confirmed, not once the pair was revoked", async () => {
  using world = await ResponderWorld.create();
  const responder = world.responder();
  const { request } = await world.message(await world.pair());
  const answer = await responder.answer(request);
  const [used] = world.vault.all();
  await world.vault.commit({ put: [{ ...used!, half: null }] });
  assertEquals(await responder.answer(request), answer);
  const revokedAt = world.parts.clock.nowMs();
  await world.vault.commit({ put: [{ ...used!, half: null, revokedAt }] });
  const why = "A session of this pair was confirmed";
  assertEquals(await world.refusal(responder, request), why);
});

Deno.test("Responder does not repeat an answer to a peer that was blocked since", async () => {
  using world = await ResponderWorld.create();
  const responder = world.responder();
  const { request } = await world.message(await world.pair());
  await responder.answer(request);
  await world.parts.permissions.block(world.peer.id);
  assertEquals(await world.refusal(responder, request), "This message was answered before");
});

Deno.test("Responder refuses an answered message after a restart", async () => {
  using world = await ResponderWorld.create();
  const { request } = await world.message(await world.pair());
  await world.responder().answer(request);
  assertEquals(await world.refusal(world.responder(), request), "This message was answered before");
});

Deno.test("Responder takes up to eight messages of a pair, each in the place of the one before", async () => {
  using world = await ResponderWorld.create();
  const responder = world.responder();
  const pair = await world.pair();
  const ids = new Set<string>();
  for (let index = 0; index < 8; index++) {
    const { session_id } = await responder.answer((await world.message(pair)).request);
    ids.add(session_id);
    assertEquals([world.table.all().length, world.vault.all().length], [1, 5]);
  }
  assertEquals(ids.size, 8);
  const ninth = await world.message(pair);
  assertEquals(await world.refusal(responder, ninth.request), "Too many messages for one pair");
});

Deno.test("Responder refuses every message once a session of the pair was confirmed", async () => {
  using world = await ResponderWorld.create();
  const responder = world.responder();
  const pair = await world.pair();
  await responder.answer((await world.message(pair)).request);
  const [used] = world.vault.all();
  await world.vault.commit({ put: [{ ...used!, half: null }] });
  const again = await world.message(pair);
  assertEquals(
    await world.refusal(responder, again.request),
    "A session of this pair was confirmed",
  );
});

Deno.test("Responder refuses a pair that is unknown, has ended, or is its own to start from", async () => {
  using world = await ResponderWorld.create();
  const responder = world.responder();
  const why = "The pair is unknown or has expired";
  const { request } = await world.message(await world.pair());
  const pair_id = new Uint8Array(16);
  assertEquals(await world.refusal(responder, { ...request, pair_id }), why);
  const own = await world.pair("initiator");
  const reversed = { ...request, pair_id: new Uint8Array(own.info.pairId) };
  assertEquals(await world.refusal(responder, reversed), why);
  world.parts.clock.skip(7 * MINUTE_MS + 1);
  assertEquals(await world.refusal(responder, request), why);
});

Deno.test("Responder refuses a suite outside its lists, and one exchanged on the way", async () => {
  using world = await ResponderWorld.create();
  const responder = world.responder();
  const pair = await world.pair();
  for (const suiteOutside of ["ik-x25519-mlkem768", "ik-future"]) {
    const { request } = await world.message(pair, { suiteOutside });
    assertEquals(await world.refusal(responder, request), "The suite is not one this node takes");
  }
  const both = await ResponderWorld.create("prefer");
  using _ = both;
  const suites = ["ik-x25519-mlkem768", "ik-x25519"];
  const record = await both.peer.recordText({ suites });
  const lowered = await both.message(await both.pair(), { record });
  const why = "The suite is worse than the best of both records";
  assertEquals(await both.refusal(both.responder(), lowered.request), why);
});

Deno.test("Responder takes the worse suite while its own fresh records have no better one in common", async () => {
  using world = await ResponderWorld.create("off");
  await world.ownRecord.current();
  world.parts.clock.skip(HOUR_MS);
  const changed = world.responder(world.recordOf("prefer"));
  const record = await world.peer.recordText({ suites: ["ik-x25519-mlkem768", "ik-x25519"] });
  const { request } = await world.message(await world.pair(), { record });
  await changed.answer(request);
});

Deno.test("Responder refuses a record of somebody else, a stale one of a stranger, and gone", async () => {
  using world = await ResponderWorld.create();
  const responder = world.responder();
  const pair = await world.pair();
  const refused = async (record: string) =>
    await world.refusal(responder, (await world.message(pair, { record })).request);
  assertEquals(
    await refused(await world.directory.recordText()),
    "The record is not the initiator's",
  );
  const gone = await world.peer.recordText({
    gone: true,
    api_url: "",
    seq: world.parts.clock.nowMs() + 1,
  });
  assertEquals(await refused(gone), "The initiator is gone");
  const stale = await world.peer.recordText({ seq: world.parts.clock.nowMs() - 25 * HOUR_MS });
  assertEquals(await refused(stale), "By this clock the record ended 60 min ago");
});

Deno.test("Responder refuses a static key that is not the one of the newest record", async () => {
  using world = await ResponderWorld.create();
  const pair = await world.pair();
  const noise_key = encodeBase64Url(world.directory.noisePublic);
  const newer = { seq: world.parts.clock.nowMs() + 1, noise_key };
  await world.book.take(await world.peer.record(newer));
  const older = await world.message(pair);
  const why = "The static key is not the one of the initiator's newest record";
  assertEquals(await world.refusal(world.responder(), older.request), why);
  const record = await world.peer.recordText({ ...newer, seq: newer.seq + 1 });
  const shown = await world.message(pair, { record, noiseKey: world.directory.noiseKey });
  await world.responder().answer(shown.request);
});

Deno.test("Responder refuses who another id followed, and who is blocked", async () => {
  using world = await ResponderWorld.create();
  const pair = await world.pair();
  const { request } = await world.message(pair);
  await world.parts.permissions.block(world.peer.id);
  assertEquals(await world.refusal(world.responder(), request), "The initiator is blocked");
  await world.parts.permissions.unblock(world.peer.id);
  const next = await TestNodeKeys.create(world.parts.crypto);
  const pin = encodeBase64Url(await world.parts.crypto.sha256(decodeNodeId(next.id)!));
  await world.book.take(await world.peer.record({ seq: world.parts.clock.nowMs() + 1, next: pin }));
  const chain = [await next.succession(world.peer.id)];
  await world.book.follow({ chain, record: await next.record() });
  const why = "Another identity has followed this one";
  assertEquals(await world.refusal(world.responder(), request), why);
});

Deno.test("Responder follows the succession in message 1 before it judges the record", async () => {
  using world = await ResponderWorld.create();
  const old = await TestNodeKeys.create(world.parts.crypto);
  const next = encodeBase64Url(await world.parts.crypto.sha256(decodeNodeId(world.peer.id)!));
  await world.book.take(await old.record({ next }));
  await world.book.setKnown(old.id);
  const succession = await world.peer.succession(old.id);
  const { request } = await world.message(await world.pair(), { succession });
  await world.responder().answer(request);
  assertEquals(world.book.get(old.id)?.succession, succession);
  assert(world.book.get(world.peer.id)?.known);
});

Deno.test("Responder refuses garbage and a token of another pair, and burns nothing", async () => {
  using world = await ResponderWorld.create();
  const responder = world.responder();
  const pair = await world.pair();
  const { request } = await world.message(pair);
  for (const noise of [new Uint8Array(), new Uint8Array(200), request.noise.slice(0, -1)]) {
    await world.refusal(responder, { ...request, noise });
  }
  const other = await world.pair();
  const foreign = await world.message(other);
  await world.refusal(responder, { ...foreign.request, pair_id: request.pair_id });
  assertEquals(world.vault.all().every(({ taken }) => taken.length === 0), true);
  await responder.answer(request);
});

Deno.test("Responder answers nothing that is not on disk", async () => {
  using world = await ResponderWorld.create();
  const responder = world.responder();
  const pair = await world.pair();
  await world.ownRecord.current();
  world.parts.files.isFull = true;
  world.parts.fillDisk();
  const { request } = await world.message(pair);
  const error = await assertRejects(() => responder.answer(request), OpenRedError);
  assertEquals([error.code, world.table.all().length], ["overloaded", 0]);
  world.parts.files.isFull = false;
  world.parts.freeDisk();
  await responder.answer((await world.message(pair)).request);
});

Deno.test("Responder takes the same message again that it could not store, and keeps no pair of it", async () => {
  using world = await ResponderWorld.create();
  const responder = world.responder();
  const pair = await world.pair();
  await responder.answer((await world.message(pair)).request);
  const { request, handshake } = await world.message(pair);
  world.parts.files.isFull = true;
  await assertRejects(() => responder.answer(request), OpenRedError);
  assertEquals(world.vault.all().map(({ taken }) => taken.length), [1]);
  world.parts.files.isFull = false;
  const answer = await responder.answer(request);
  await world.parts.crypto.readAnswer({ handshake, noise: decodeBase64Url(answer.noise)! });
  assertEquals(world.vault.all().map(({ taken }) => taken.length), [2, 0, 0, 0, 0]);
});

Deno.test("Responder gives no pair back that was revoked while it could not be stored", async () => {
  using world = await ResponderWorld.create();
  const { request } = await world.message(await world.pair());
  await world.ownRecord.current();
  const stored = Promise.withResolvers<void>();
  world.parts.files.gate = stored.promise;
  world.parts.files.isFull = true;
  const failing = assertRejects(() => world.responder().answer(request), OpenRedError);
  await settle();
  const [used] = world.vault.all();
  assertEquals(used?.taken.length, 1);
  const revoked = { ...used!, half: null, revokedAt: world.parts.clock.nowMs() };
  const revoking = assertRejects(() => world.vault.commit({ put: [revoked] }), OpenRedError);
  stored.resolve();
  await Promise.all([failing, revoking]);
  assertEquals(world.vault.get(used!.pairId)?.half, null);
});
