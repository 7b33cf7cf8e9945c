/**
 * What every way to hold the crypto core has to do alike.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { CALL_NAMES, CALLS, type MemberKind } from "../../crypto/bridge/calls.ts";
import { concatBytes, encodeUtf8 } from "../../crypto/encoding.ts";
import { BAD_METHODS, permuteSample, sampleMethod } from "./sample_methods.ts";
import {
  type CryptoCore,
  CryptoError,
  type CryptoErrorCode,
  type KeyRef,
  MAX_CALL_ITEMS,
  MAX_ROWS_BYTES,
  type ModuleMethod,
  type VaultLineContent,
} from "../../crypto/interface.ts";
import { CoreWorld, createTestNode, ISSUED_AT, LIFE_MS, NEXT } from "./crypto_core_world.ts";
import { CHEAP_COST } from "../world/cores.ts";

const EMPTY = new Uint8Array(0);
/** The next pairs are to be of a module's method. */
const NEXT_SPIRAL = { ...NEXT, method: "spiral_4" };
const HELLO = '{"type":"core.hello"}';

async function assertCode(code: CryptoErrorCode, work: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(work, CryptoError);
  assertEquals(error.code, code);
}

function flipped(bytes: Uint8Array, at = bytes.length - 1): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}

type Case = (world: CoreWorld) => Promise<void>;

const cases: Readonly<Record<string, Case>> = {
  "hashes": async ({ core }) => {
    const digest = await core.sha256(encodeUtf8("abc"));
    assertEquals(digest[0], 0xba);
    assertEquals(digest.length, 32);
  },

  "stretches a password, which is wiped": async ({ core }) => {
    const password = encodeUtf8("correct horse battery staple");
    const salt = new Uint8Array(16).fill(5);
    const stretched = await core.stretchPassword({ password, salt });
    assertEquals(stretched.length, 32);
    assertEquals(password, new Uint8Array(28));
    for (const [wrong, length] of [[EMPTY, 16], [encodeUtf8("a"), 15]] as const) {
      const bad = { password: wrong, salt: new Uint8Array(length) };
      await assertCode("bad_argument", () => core.stretchPassword(bad));
    }
  },

  "opens a keystore only with its secret, which is wiped": async ({ core }) => {
    const secret = encodeUtf8("secret");
    const { sealed, nodeId } = await core.createKeystore({ secret, cost: CHEAP_COST });
    assertEquals(secret, new Uint8Array(6));
    const wrong = encodeUtf8("Secret");
    await assertCode("unseal_failed", () => core.openKeystore({ sealed, secret: wrong }));
    assertEquals(wrong, new Uint8Array(6));
    const opened = await core.openKeystore({ sealed, secret: encodeUtf8("secret") });
    assertEquals(opened.nodeId, nodeId);
    assertEquals(opened.noiseKeys.length, 1);
    assertEquals(opened.resealed, null);
  },

  "all that the call table calls secret is wiped, however the call ends": async ({ core }) => {
    for (const name of CALL_NAMES) {
      const members: readonly [string, MemberKind][] = Object.entries(CALLS[name]);
      const argument = Object.fromEntries(
        members.map(([member]) => [member, new Uint8Array(40).fill(7)]),
      );
      const secrets = members.filter(([, kind]) => kind === "secret").map(([member]) => member);
      if (secrets.length === 0) continue;
      const call = Reflect.get(core, name) as (given: unknown) => Promise<unknown>;
      await call.call(core, { ...argument, cost: CHEAP_COST }).catch(() => {});
      for (const secret of secrets) {
        assertEquals(argument[secret], new Uint8Array(40), `${name}: ${secret}`);
      }
    }
  },

  "a sealed secret opens with its passphrase only; all that is secret is wiped": async (
    { core },
  ) => {
    const given = () => new Uint8Array(32).fill(7);
    const [secret, first] = [given(), encodeUtf8("first")];
    const sealed = await core.sealSecret({ secret, passphrase: first, cost: CHEAP_COST });
    assertEquals([secret, first], [new Uint8Array(32), new Uint8Array(5)]);
    const [passphrase, newPassphrase] = [encodeUtf8("first"), encodeUtf8("second")];
    const options = { sealed, passphrase, newPassphrase, cost: CHEAP_COST };
    const resealed = await core.resealSecret(options);
    assertEquals([passphrase, newPassphrase], [new Uint8Array(5), new Uint8Array(6)]);
    const wrong = encodeUtf8("first");
    const opening = core.openSecret({ sealed: resealed, passphrase: wrong });
    await assertCode("unseal_failed", () => opening);
    assertEquals(wrong, new Uint8Array(5));
    const right = encodeUtf8("second");
    assertEquals(await core.openSecret({ sealed: resealed, passphrase: right }), given());
    assertEquals(right, new Uint8Array(6));
  },

  "addNoiseKey() puts a new key in front and keeps the former ones": async ({ core }) => {
    const node = await createTestNode(core, "secret");
    const { keystore } = node.keys;
    await assertCode(
      "unseal_failed",
      () => core.addNoiseKey({ keystore, secret: encodeUtf8("sekret"), cost: CHEAP_COST }),
    );
    const options = { keystore, cost: CHEAP_COST };
    const [, second] = await Promise.all([
      core.addNoiseKey({ ...options, secret: encodeUtf8("secret") }),
      core.addNoiseKey({ ...options, secret: encodeUtf8("secret") }),
    ]);
    assertEquals(second.noiseKeys.length, 3);
    assertEquals(second.noiseKeys[2], node.keys.noiseKeys[0]);
    const { sealed } = second;
    const reopened = await core.openKeystore({ sealed, secret: encodeUtf8("secret") });
    assertEquals(
      reopened.noiseKeys.map(({ publicKey }) => publicKey),
      second.noiseKeys.map(({ publicKey }) => publicKey),
    );
  },

  "signs and verifies a JWS of one type": async ({ core, a }) => {
    const typ = "openred-record+jwt";
    for (let round = 0; round < 2; round++) {
      const { iss, payload } = await core.verifyJws({ text: a.record, typ });
      assertEquals(iss, a.id);
      assertEquals(JSON.parse(payload), { v: 3, iss: a.id });
    }
    await assertCode(
      "bad_signature",
      () => core.verifyJws({ text: a.record, typ: "openred-pair+jwt" }),
    );
    const forged = a.record.slice(0, -8) + "AAAAAAA" + a.record.slice(-1);
    await assertCode("bad_signature", () => core.verifyJws({ text: forged, typ }));
    await assertCode("bad_argument", () => core.signJws({ key: a.noiseKey, typ, payload: "{}" }));
  },

  "selectMethod() counts over the methods it is given": async ({ core }) => {
    const methods = ["alpha", "beta", "gamma", "delta"];
    const options = { timestampMs: Date.UTC(2026, 0, 2, 5), methods };
    const hourly = await core.selectMethod({ ...options, policy: { kind: "hourly" } });
    assertEquals(hourly, methods[(5 + 2) % 4]);
    await assertCode(
      "bad_argument",
      () => core.selectMethod({ ...options, methods: [], policy: { kind: "daily" } }),
    );
  },

  "both nodes open their halves of a pair": async (world) => {
    const { pairId, a, b } = await world.halves("beta");
    assertEquals(a.info, {
      issuer: world.directory.id,
      pairId,
      idA: world.a.id,
      idB: world.b.id,
      method: "beta",
      issuedAt: ISSUED_AT,
      expiresAt: ISSUED_AT + 300_000,
      role: "initiator",
    });
    assertEquals(b.info, { ...a.info, role: "responder" });
    assertEquals([a.peer, b.peer], [world.b.record, world.a.record]);
    assertEquals(a.epoch, Math.floor(ISSUED_AT / 3_600_000));
  },

  "openEnvelope() refuses another node, pair, directory, sender and a flipped bit": async (
    world,
  ) => {
    const { core, a, b, directory } = world;
    const { pairId, noiseA } = await world.issue();
    const options = {
      noiseKeys: [a.noiseKey],
      directoryNoiseKey: directory.noisePublic,
      directoryId: directory.id,
      nodeId: a.id,
      pairId,
      noise: noiseA,
    };
    const wrong = [
      { noiseKeys: [b.noiseKey] },
      { directoryNoiseKey: b.noisePublic },
      { directoryId: b.id },
      { nodeId: b.id },
      { pairId: flipped(pairId) },
      { noise: flipped(noiseA) },
      { noise: noiseA.slice(0, -1) },
      { noise: EMPTY },
    ];
    for (const change of wrong) {
      await assertCode("envelope_failed", () => core.openEnvelope({ ...options, ...change }));
    }
    await core.openEnvelope({ ...options, noiseKeys: [b.noiseKey, a.noiseKey] });
  },

  "openEnvelope() checks what the directory wrote": async (world) => {
    const { core, directory, a, b } = world;
    const good = {
      noiseKey: directory.noiseKey,
      issuer: directory.id,
      method: "alpha",
      epoch: Math.floor(ISSUED_AT / 3_600_000),
      issuedAt: ISSUED_AT,
      expiresAt: ISSUED_AT + 300_000,
      a: { id: a.id, noiseKey: a.noisePublic, record: a.record },
      b: { id: b.id, noiseKey: b.noisePublic, record: b.record },
    };
    const wrong = [
      { epoch: good.epoch + 1 },
      { expiresAt: good.expiresAt + 1 },
      { b: { ...good.b, record: "no.record.here" } },
      { b: { ...good.b, record: a.record } },
    ];
    for (const change of wrong) {
      const { pairId, noiseA } = await core.issuePair({ ...good, ...change });
      await assertCode("envelope_failed", () => world.openFor(a, pairId, noiseA));
    }
  },

  "a half comes back from the vault, from its own line only": async (world) => {
    const { core, a } = world;
    const { a: { half, info } } = await world.halves();
    const { vault } = a.keys;
    const content = { half, name: "LINE_1", meta: '{"ü":1}' };
    const [sealed = "", again] = await core.sealLines({ vault, lines: [content, content] });
    assert(/^[A-Za-z0-9+/]+=*$/.test(sealed));
    assertNotEquals(sealed, again);
    const [opened] = await core.openLines({ vault, lines: [{ name: "LINE_1", sealed }] });
    const [stored] = opened!.halves;
    assertEquals([stored?.info, stored?.index, opened?.meta], [info, null, '{"ü":1}']);
    const { handshake } = await world.start(stored!.half);
    assert(handshake > 0);
    const damaged = ["", "AAAA", sealed + "=", sealed.replace(/.$/, "*"), "B" + sealed];
    const lines = [
      { name: "LINE_2", sealed },
      ...damaged.map((text) => ({ name: "LINE_1", sealed: text })),
    ];
    assertEquals(await core.openLines({ vault, lines }), lines.map(() => null));
    const otherVault = world.b.keys.vault;
    const same = [{ name: "LINE_1", sealed }];
    assertEquals(await core.openLines({ vault: otherVault, lines: same }), [null]);
  },

  "the standby halves of a handshake come back from one line, in their places": async (world) => {
    const { core, a } = world;
    const { vault } = a.keys;
    const first = await world.halves();
    const { started } = await world.connect({ a: first.a.half, b: first.b.half });
    const set = started.standby.map(({ half }, index) => ({ half, index }));
    const seal = (line: Partial<VaultLineContent>) =>
      core.sealLines({ vault, lines: [{ name: "SET", meta: "{}", ...line }] });
    for (const some of [set, set.slice(2), set.slice(0, 1)]) {
      const [sealed = ""] = await seal({ set: some });
      const lines = ["SET", "TES"].map((name) => ({ name, sealed }));
      const [opened, moved] = await core.openLines({ vault, lines });
      assertEquals([opened?.meta, moved], ["{}", null]);
      const places = opened!.halves.map(({ info, index }) => ({ info, index }));
      const expected = some.map(({ index }) => ({ info: started.standby[index]!.info, index }));
      assertEquals(places, expected);
      const [lone] = opened!.halves;
      if (lone!.info.role === "initiator") await world.start(lone!.half);
    }
    const other = { half: first.a.half, index: 0 };
    const misplaced = [{ half: set[0]!.half, index: 16 }];
    const many = Array.from({ length: 17 }, () => set[0]!);
    for (const wrong of [[], [other], [...set, other], misplaced, many]) {
      await assertCode("bad_argument", () => seal({ set: wrong }));
    }
  },

  "a note comes back from its own line only": async ({ core, a }) => {
    const { vault } = a.keys;
    const content = [{ name: "LINE", meta: "spent" }];
    const [sealed = ""] = await core.sealLines({ vault, lines: content });
    const lines = ["LINE", "LINF"].map((name) => ({ name, sealed }));
    const note = { halves: [], meta: "spent" };
    assertEquals(await core.openLines({ vault, lines }), [note, null]);
  },

  "openLines() calls a line damaged for what is wrong with the line, not with the call": async (
    { core, a },
  ) => {
    const { vault } = a.keys;
    const [sealed = ""] = await core.sealLines({ vault, lines: [{ name: "LINE", meta: "x" }] });
    const line = { name: "LINE", sealed };
    const lines = [{ ...line, sealed: "AAAA" }, line];
    const opened = await core.openLines({ vault, lines });
    assertEquals(opened.map((found) => found?.meta), [undefined, "x"]);
    const many = Array.from({ length: 4_097 }, () => line);
    await assertCode("bad_argument", () => core.openLines({ vault, lines: many }));
    await assertCode("bad_argument", () => core.openLines({ vault: a.keys.identity, lines }));
    await assertCode("key_unknown", () => core.openLines({ vault: 123_456_789 as KeyRef, lines }));
  },

  "rows of a module open in their order, and no changed one does": async ({ core, a }) => {
    const salt = new Uint8Array(16);
    const key = await core.deriveModuleKey({ storage: a.keys.storage, module: "notes", salt });
    const rows = [EMPTY, encodeUtf8("short"), new Uint8Array(20_000).fill(3)].map(
      (content, at) => ({ aad: Uint8Array.of(at), content }),
    );
    const copies = rows.map(({ content }) => content.slice());
    const sealed = await core.sealRows({ key, rows });
    assertEquals(rows.map(({ content }) => content), copies);
    const open = (changed: readonly Uint8Array[]) =>
      core.openRows({
        key,
        rows: changed.map((bytes, at) => ({ aad: rows[at]!.aad, sealed: bytes })),
      });
    assertEquals(await open(sealed), copies);
    assertEquals(await open(sealed.toReversed()), [null, copies[1]!, null]);
    const changes: readonly ((bytes: Uint8Array) => Uint8Array)[] = [
      (bytes) => flipped(bytes),
      (bytes) => flipped(bytes, 3),
      (bytes) => flipped(bytes, 4),
      (bytes) => bytes.slice(0, -1),
      (bytes) => bytes.slice(0, 15),
      () => EMPTY,
    ];
    for (const change of changes) assertEquals(await open(sealed.map(change)), [null, null, null]);
  },

  "rows of a call are bounded in number and in bytes": async ({ core, a }) => {
    const salt = new Uint8Array(16);
    const key = await core.deriveModuleKey({ storage: a.keys.storage, module: "notes", salt });
    const row = { aad: EMPTY, content: EMPTY };
    const most = Array.from({ length: MAX_CALL_ITEMS }, () => row);
    assertEquals((await core.sealRows({ key, rows: most })).length, MAX_CALL_ITEMS);
    const large = { aad: Uint8Array.of(1), content: new Uint8Array(MAX_ROWS_BYTES) };
    const sealedRow = { aad: EMPTY, sealed: new Uint8Array(MAX_ROWS_BYTES + 1) };
    for (const rows of [[...most, row], [large], null, [null], [{ aad: EMPTY }]]) {
      await assertCode("bad_argument", () => core.sealRows({ key, rows: rows as never }));
    }
    await assertCode("bad_argument", () => core.openRows({ key, rows: [sealedRow] }));
    await assertCode("bad_argument", () => core.sealRows({ key: a.keys.vault, rows: [row] }));
    const whole = { aad: EMPTY, content: new Uint8Array(MAX_ROWS_BYTES) };
    assertEquals((await core.sealRows({ key, rows: [whole] }))[0]?.length, MAX_ROWS_BYTES + 32);
  },

  "a handshake gives both sides one session, with and without ML-KEM": async (world) => {
    for (const suite of ["ik-x25519-mlkem768", "ik-x25519"] as const) {
      const { a, b } = await world.halves("delta");
      const { started, accepted } = await world.connect({ a: a.half, b: b.half }, { suite });
      assertEquals(started.sessionId, accepted.sessionId);
      assertEquals(started.binding, accepted.binding);
      assertEquals(started.sessionId.length, 16);
      const { core } = world;
      const { frame, step } = await core.seal({
        session: started.session,
        nowMs: 0,
        mayStep: false,
        header: HELLO,
        body: new Uint8Array([1, 2]),
      });
      assertEquals(step, 0);
      assertEquals(await core.open({ session: accepted.session, nowMs: 0, frame }), {
        outcome: "opened",
        header: HELLO,
        body: new Uint8Array([1, 2]),
        step: 0,
        counter: 0,
      });
      const back = await core.open({ session: started.session, nowMs: 0, frame });
      assertEquals(back, { outcome: "refused" });
      const options = { session: started.session, nowMs: 3_600_000, mayStep: true, header: HELLO };
      const stepped = await core.seal(options);
      const ahead = await core.open({ session: accepted.session, nowMs: 0, frame: stepped.frame });
      assert(ahead.outcome === "opened");
      assertEquals([stepped.step, ahead.step, ahead.counter], [1, 1, 1]);
    }
  },

  "the next handshakes run on the standby pairs, from either side": async (world) => {
    const { a, b } = await world.halves();
    const { started, accepted } = await world.connect({ a: a.half, b: b.half });
    assertEquals(started.standby.length, 4);
    assertEquals(accepted.standby.length, 4);
    for (let index = 0; index < 4; index++) {
      const { half: halfA, info } = started.standby[index]!;
      const { half: halfB } = accepted.standby[index]!;
      assertEquals(info.issuer, "peer");
      assertEquals(info.method, NEXT.method);
      assertEquals(info.expiresAt, NEXT.issuedAt + 30 * 86_400_000);
      const from = index < 2 ? "a" : "b";
      assertEquals(info.role, from === "a" ? "initiator" : "responder");
      const next = await world.connect({ a: halfA, b: halfB }, { from });
      assertEquals(next.started.sessionId, next.accepted.sessionId);
    }
  },

  "readHandshake() shows who it is from and what they say": async (world) => {
    const { a, b } = await world.halves();
    const { noise } = await world.start(a.half, { succession: "su.cces.sion" });
    const read = await world.read(b.half, noise);
    assertEquals(read.staticKey, world.a.noisePublic);
    assertEquals(read.record, world.a.record);
    assertEquals(read.succession, "su.cces.sion");
    const plain = await world.start(a.half);
    assertEquals((await world.read(b.half, plain.noise)).succession, null);
    const message = { suite: "ik-x25519-mlkem768", pairId: b.info.pairId, noise };
    assertEquals(read.hash, await world.core.handshakeHash(message));
  },

  "readHandshake() refuses another suite, pair, key and a flipped bit": async (world) => {
    const { a, b } = await world.halves();
    const other = await world.halves();
    const { noise } = await world.start(a.half);
    await assertCode("handshake_failed", () => world.read(b.half, noise, { suite: "ik-x25519" }));
    await assertCode("handshake_failed", () => world.read(other.b.half, noise));
    await assertCode("handshake_failed", () => world.read(b.half, flipped(noise)));
    await assertCode("handshake_failed", () => world.read(b.half, flipped(noise, 0)));
    await assertCode("handshake_failed", () => world.read(b.half, EMPTY));
    await assertCode("handshake_failed", () => world.read(b.half, noise, { by: "a" }));
    await assertCode("bad_argument", () => world.read(a.half, noise));
    await assertCode("bad_argument", () => world.start(b.half));
    await world.read(b.half, noise);
  },

  "a half serves several attempts, on both sides": async (world) => {
    const { a, b } = await world.halves();
    const first = await world.connect({ a: a.half, b: b.half });
    const second = await world.connect({ a: a.half, b: b.half });
    assertNotEquals(first.started.sessionId, second.started.sessionId);
    const repeated = await world.start(a.half);
    const once = await world.accept((await world.read(b.half, repeated.noise)).handshake);
    const again = await world.accept((await world.read(b.half, repeated.noise)).handshake);
    assertNotEquals(once.sessionId, again.sessionId);
  },

  "acceptHandshake() uses the handshake up": async (world) => {
    const { a, b } = await world.halves();
    const { noise } = await world.start(a.half);
    const { handshake } = await world.read(b.half, noise);
    const work = () => world.accept(handshake);
    const results = await Promise.allSettled([work(), work()]);
    assertEquals(results.map(({ status }) => status), ["fulfilled", "rejected"]);
    await assertCode("key_unknown", work);
  },

  "a failed readAnswer() leaves the handshake waiting, a later answer counts": async (world) => {
    const { core } = world;
    const { a, b } = await world.halves();
    const { handshake, noise } = await world.start(a.half);
    const first = await world.accept((await world.read(b.half, noise)).handshake);
    const second = await world.accept((await world.read(b.half, noise)).handshake);
    await assertCode("bad_argument", () => core.completeHandshake({ handshake, nowMs: 0 }));
    const readAnswer = (bytes: Uint8Array) => core.readAnswer({ handshake, noise: bytes });
    await assertCode("handshake_failed", () => readAnswer(flipped(first.noise)));
    await assertCode("handshake_failed", () => readAnswer(noise));
    await assertCode("handshake_failed", () => readAnswer(EMPTY));
    const answer = await readAnswer(first.noise);
    assertEquals(answer, { record: world.b.record, lifeMs: LIFE_MS, next: NEXT });
    await assertCode("handshake_failed", () => readAnswer(flipped(second.noise)));
    await readAnswer(second.noise);
    const session = await core.completeHandshake({ handshake, nowMs: 0 });
    assertEquals(session.sessionId, second.sessionId);
    await assertCode("key_unknown", () => core.completeHandshake({ handshake, nowMs: 0 }));
  },

  "handshakeHash() is SHA-256 of enc(suite, pair_id, noise)": async ({ core }) => {
    const pairId = new Uint8Array(16).fill(1);
    const noise = new Uint8Array([7, 8]);
    const expected = concatBytes(
      new Uint8Array([0, 0, 0, 1]),
      encodeUtf8("s"),
      new Uint8Array([0, 0, 0, 16]),
      pairId,
      new Uint8Array([0, 0, 0, 2]),
      noise,
    );
    assertEquals(
      await core.handshakeHash({ suite: "s", pairId, noise }),
      await core.sha256(expected),
    );
  },

  "large frames cross whole": async (world) => {
    const { core } = world;
    const { a, b } = await world.halves();
    const { started, accepted } = await world.connect({ a: a.half, b: b.half });
    const body = new Uint8Array(2 ** 20 - 29 - 16 - 6 - HELLO.length).fill(5);
    const copy = body.slice();
    const seal = { session: started.session, nowMs: 0, mayStep: false, header: HELLO };
    await assertCode(
      "bad_argument",
      () => core.seal({ ...seal, body: new Uint8Array(body.length + 1) }),
    );
    const { frame } = await core.seal({ ...seal, body });
    assertEquals(frame.length, 2 ** 20);
    const opened = await core.open({ session: accepted.session, nowMs: 0, frame });
    assert(opened.outcome === "opened");
    assertEquals(opened.body, copy);
    assertEquals(opened.counter, 0);
    assertEquals(frame.length, 2 ** 20);
  },

  "handles are of one kind, and gone for good once released": async (world) => {
    const { core, a } = world;
    const { a: { half } } = await world.halves();
    await assertCode("bad_argument", () => core.open({ session: half, nowMs: 0, frame: EMPTY }));
    await assertCode("bad_argument", () => core.sealLines({ vault: half, lines: [] }));
    await core.release(half);
    await core.release(half);
    await assertCode("key_unknown", () => world.start(half));
    const [one, other, kept] = [
      await world.halves(),
      await world.halves(),
      await world.halves(),
    ];
    await core.releaseAll([one.a.half, half, other.a.half]);
    await assertCode("key_unknown", () => world.start(one.a.half));
    await assertCode("key_unknown", () => world.start(other.a.half));
    await world.start(kept.a.half);
    const session = 123_456_789 as KeyRef;
    await assertCode("key_unknown", () => core.open({ session, nowMs: 0, frame: EMPTY }));
    const fresh = await world.halves();
    assert(fresh.a.half > half);
    assert(a.noiseKey !== half);
  },

  "pairs of a module's method open at the other side, and their sessions carry frames": async (
    world,
  ) => {
    const { core } = world;
    await core.addMethod(sampleMethod());
    const first = await world.halves();
    const halves = { a: first.a.half, b: first.b.half };
    const { started, accepted } = await world.connect(halves, { next: NEXT_SPIRAL });
    const methods = started.standby.map(({ info }) => info.method);
    assertEquals(methods, ["spiral_4", "alpha", "spiral_4", "alpha"]);
    assertEquals(accepted.standby.map(({ info }) => info.method), methods);
    for (let index = 0; index < 4; index++) {
      const pair = { a: started.standby[index]!.half, b: accepted.standby[index]!.half };
      const from = index < 2 ? "a" : "b";
      const made = await world.connect(pair, { from, next: NEXT_SPIRAL });
      const seal = { session: made.started.session, nowMs: 0, mayStep: false, header: HELLO };
      const { frame } = await core.seal(seal);
      const opened = await core.open({ session: made.accepted.session, nowMs: 0, frame });
      assertEquals(opened.outcome, "opened");
    }
  },

  "a module's method that cannot be trusted to open what it made is refused": async ({ core }) => {
    for (const [what, { code, ...changes }] of Object.entries(BAD_METHODS)) {
      let failures = 0;
      const method = sampleMethod({ ...changes, failed: () => failures++ });
      const error = await assertRejects(() => core.addMethod(method), CryptoError, "", what);
      assertEquals([error.code, failures], [code, code === "method_failed" ? 1 : 0], what);
    }
    for (const name of ["alpha", "delta", "ab", "Spiral", "4spiral", "spiral-4", "a".repeat(33)]) {
      await assertCode("bad_argument", () => core.addMethod(sampleMethod({ name })));
    }
    let blocks = 0;
    await core.addMethod(sampleMethod({
      permute: (block) => (blocks++, Promise.resolve(permuteSample(block))),
    }));
    assertEquals(blocks, 64 * 2 * 2, "64 blocks there and back, in both directions");
  },

  "a method that is gone, or never was there, is named so; pairs without it still serve": async (
    world,
  ) => {
    const { core } = world;
    // All cases share one core, and an earlier one may have left it there.
    await core.removeMethod({ name: "spiral_4" });
    const first = await world.halves();
    const { handshake, noise } = await world.start(first.a.half);
    const waiting = await world.read(first.b.half, noise);
    await assertCode(
      "method_unknown",
      () => world.accept(waiting.handshake, { next: NEXT_SPIRAL }),
    );
    await core.addMethod(sampleMethod());
    const read = await world.read(first.b.half, noise);
    const accepted = await world.accept(read.handshake, { next: NEXT_SPIRAL });
    await core.removeMethod({ name: "spiral_4" });
    await core.removeMethod({ name: "spiral_4" });
    await assertCode(
      "handshake_failed",
      () => core.readAnswer({ handshake, noise: accepted.noise }),
    );
    await core.addMethod(sampleMethod());
    await core.readAnswer({ handshake, noise: accepted.noise });
    const started = await core.completeHandshake({ handshake, nowMs: 0 });
    await core.removeMethod({ name: "spiral_4" });
    await assertCode("method_unknown", () => world.start(started.standby[0]!.half));
    const own = accepted.standby[0]!.half;
    await assertCode("method_unknown", () => world.read(own, noise));
    await world.connect({ a: started.standby[1]!.half, b: accepted.standby[1]!.half });
  },

  "a method that fails later fails the call, and the handshake goes on once it is mended": async (
    world,
  ) => {
    const { core } = world;
    let isWell = true;
    const permute: ModuleMethod["permute"] = (block) =>
      isWell ? Promise.resolve(permuteSample(block)) : new Promise(() => {});
    let failures = 0;
    const clock = { setTimer: (ms: number, end: () => void) => isWell ? () => {} : fire(ms, end) };
    const fire = (
      ms: number,
      end: () => void,
    ) => (assertEquals(ms, 250), queueMicrotask(end), () => {});
    await core.addMethod(sampleMethod({ permute, clock, failed: () => failures++ }));
    const first = await world.halves();
    const { started, accepted } = await world.connect(
      { a: first.a.half, b: first.b.half },
      { next: NEXT_SPIRAL },
    );
    const { handshake, noise } = await world.start(started.standby[0]!.half);
    const read = await world.read(accepted.standby[0]!.half, noise);
    const other = await world.read(accepted.standby[0]!.half, noise);
    const answer = await world.accept(read.handshake, { next: NEXT_SPIRAL });
    isWell = false;
    await assertCode("method_failed", () => world.accept(other.handshake));
    await assertCode("method_failed", () => core.readAnswer({ handshake, noise: answer.noise }));
    assertEquals(failures, 2);
    isWell = true;
    await core.readAnswer({ handshake, noise: answer.noise });
    const session = await core.completeHandshake({ handshake, nowMs: 0 });
    assertEquals(session.sessionId, answer.sessionId);
  },

  "a handshake that is released while a method is at work is gone": async (world) => {
    const { core } = world;
    const { promise: asked, resolve: tellAsked } = Promise.withResolvers<void>();
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    let isSlow = false;
    const permute: ModuleMethod["permute"] = async (block) => {
      if (isSlow) tellAsked();
      if (isSlow) await gate;
      return permuteSample(block);
    };
    await core.addMethod(sampleMethod({ permute }));
    const first = await world.halves();
    const halves = { a: first.a.half, b: first.b.half };
    const { started, accepted } = await world.connect(halves, { next: NEXT_SPIRAL });
    const { handshake, noise } = await world.start(started.standby[0]!.half);
    const read = await world.read(accepted.standby[0]!.half, noise);
    const answer = await world.accept(read.handshake);
    isSlow = true;
    const reading = core.readAnswer({ handshake, noise: answer.noise });
    await asked;
    await core.release(handshake);
    open();
    await assertCode("key_unknown", () => reading);
  },

  "arguments of a wrong form are refused": async ({ core, a }) => {
    await assertCode("bad_argument", () => core.sha256("text" as unknown as Uint8Array));
    await assertCode("bad_argument", () => core.seal(undefined as never));
    await assertCode(
      "bad_argument",
      () => core.handshakeHash({ suite: "", pairId: EMPTY, noise: EMPTY }),
    );
    await assertCode(
      "bad_argument",
      () => core.openKeystore({ sealed: EMPTY, secret: EMPTY }),
    );
    await assertCode("bad_argument", () => core.signJws({ key: a.keys.vault } as never));
  },

  "calls of one turn answer each for itself": async ({ core }) => {
    const inputs = Array.from({ length: 300 }, (_, at) => new Uint8Array([at, at >> 8]));
    const together = await Promise.all(inputs.map((input) => core.sha256(input)));
    for (const [at, input] of inputs.entries()) {
      assertEquals(together[at], await core.sha256(input));
    }
    assertEquals(new Set(together.map((digest) => digest.join())).size, 300);
  },

  "a stopped core does nothing more": async ({ core, a }) => {
    await core.stop();
    await assertCode("core_failed", () => core.sha256(EMPTY));
    await assertCode(
      "core_failed",
      () => core.signJws({ key: a.keys.identity, typ: "openred-record+jwt", payload: "{}" }),
    );
  },
};

/** Registers the contract's tests for one way to hold the core. One core serves them all, and the last one stops it. */
export function testCryptoCore(name: string, createCore: () => Promise<CryptoCore>): void {
  Deno.test(name, async (test) => {
    const core = await createCore();
    try {
      for (const [title, run] of Object.entries(cases)) {
        await test.step(title, async () => await run(await CoreWorld.create(core)));
      }
    } finally {
      await core.stop().catch(() => {});
    }
  });
}
