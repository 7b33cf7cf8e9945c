import { assertEquals, assertThrows } from "@std/assert";
import { createAeads } from "../../../crypto/primitives/aead.ts";
import { concatBytes, encodeUtf8 } from "../../../crypto/encoding.ts";
import { decodeFrameHead, encodeFrame, frameNonce } from "../../../crypto/session/frame.ts";
import { Hashes } from "../../../crypto/primitives/hashes.ts";
import { CryptoError, type FrameMessage, type SealedFrame } from "../../../crypto/interface.ts";
import { SendRatchet } from "../../../crypto/session/ratchet.ts";
import { SessionCipher } from "../../../crypto/session/session_cipher.ts";
import { fromHex, toHex } from "../../vectors/read_vectors.ts";

const CHAIN_A_TO_B = "6aec8e800559300cef12b41e8d54d0c9be290fa8efe6b370c0dd408b848e9157";
const CHAIN_B_TO_A = "8a5867eed4313b810e18866395c5e7a2d295a930bb99b5ae2f96d25135788418";
const SESSION_ID = "603138efd37f8389eda93e38fb7d6b2f";
const HOUR_MS = 3_600_000;
const EMPTY = new Uint8Array(0);
const TICK = '{"type":"core.tick"}';

async function createSides(): Promise<{ a: SessionCipher; b: SessionCipher }> {
  const parts = { hashes: await Hashes.create(), aeads: createAeads() };
  const start = { sessionId: fromHex(SESSION_ID), method: "alpha", nowMs: 0 };
  const aToB = () => fromHex(CHAIN_A_TO_B);
  const bToA = () => fromHex(CHAIN_B_TO_A);
  return {
    a: new SessionCipher(parts, { ...start, sendChain: aToB(), receiveChain: bToA() }),
    b: new SessionCipher(parts, { ...start, sendChain: bToA(), receiveChain: aToB() }),
  };
}

interface Sealing {
  readonly nowMs?: number;
  readonly mayStep?: boolean;
  readonly header?: string;
  readonly body?: Uint8Array;
  readonly more?: readonly FrameMessage[];
  readonly padding?: number;
}

function sealStep(session: SessionCipher, options: Sealing = {}): SealedFrame {
  const { header = TICK, body = EMPTY, more = [], ...rest } = options;
  const messages = [{ header, body }, ...more];
  return session.seal({ nowMs: 0, mayStep: true, padding: 0, ...rest, messages });
}

function seal(session: SessionCipher, options: Sealing = {}): Uint8Array {
  return sealStep(session, options).frame;
}

/** Frames of a's direction with any counter and inside, as only its key holder could make them. */
async function createForger(): Promise<(counter: number, inside: Uint8Array) => Uint8Array> {
  const parts = { hashes: await Hashes.create(), aeads: createAeads() };
  const chain = fromHex(CHAIN_A_TO_B);
  const ratchet = new SendRatchet(parts, { chain, method: "alpha", nowMs: 0 });
  return (counter, inside) => {
    const head = () => ({ sessionId: fromHex(SESSION_ID), step: 0, counter });
    const { aad } = encodeFrame({ messages: [], padding: 0 }, head);
    const text = concatBytes(inside, new Uint8Array(16));
    ratchet.seal(frameNonce(counter), aad, text);
    return concatBytes(aad, text);
  };
}

function inside(header: string, options: { bodyLength?: number; rest?: Uint8Array } = {}) {
  const bytes = encodeUtf8(header);
  const lengths = new Uint8Array(6);
  const view = new DataView(lengths.buffer);
  view.setUint16(0, bytes.length);
  view.setUint32(2, options.bodyLength ?? 0);
  return concatBytes(lengths, bytes, options.rest ?? EMPTY);
}

/** A header that would be fine if its text's one odd byte were UTF-8. */
function badUtf8(): Uint8Array {
  const content = inside('{"type":"?"}');
  content[6 + 9] = 0xff;
  return content;
}

Deno.test("seal() makes the two fixed frames", async () => {
  const { a, b } = await createSides();
  const first = seal(a, { header: '{"type":"core.hello"}' });
  assertEquals(
    toHex(first),
    "03603138efd37f8389eda93e38fb7d6b2f000000000000000000000000359b115c35d038b81e76daa57ced3b5174a7fe3548a601c3bf65d4f7d92dbefb1a803eaea47ef11a35ba83",
  );
  const second = seal(a, { nowMs: HOUR_MS, padding: 3 });
  assertEquals(
    toHex(second),
    "03603138efd37f8389eda93e38fb7d6b2f0000000100000000000000016ee7ec63f2a2e6b72f06cd9955b1a824b2abdeca0805b455886386ebb6f68024ec6876c9779db9e9a56da7c01c",
  );
  assertEquals(b.open({ nowMs: 0, frame: first }), {
    outcome: "opened",
    header: '{"type":"core.hello"}',
    body: EMPTY,
    step: 0,
    counter: 0,
  });
  assertEquals(b.open({ nowMs: 0, frame: second }).outcome, "opened");
});

Deno.test("open() tells a repeat from a new frame, and drops what is below the window", async () => {
  const { a, b } = await createSides();
  const frames = Array.from({ length: 1026 }, () => seal(a));
  const openAt = (counter: number) => b.open({ nowMs: 0, frame: frames[counter]! }).outcome;
  assertEquals(openAt(1), "opened");
  assertEquals(openAt(1), "repeat");
  assertEquals(openAt(1025), "opened");
  assertEquals(openAt(1), "dropped");
  const forged = frames[0]!.slice();
  forged[forged.length - 1]! ^= 1;
  assertEquals(b.open({ nowMs: 0, frame: forged }).outcome, "refused");
  assertEquals(openAt(2), "opened");
  assertEquals(openAt(2), "repeat");
  assertEquals(openAt(1025), "repeat");
});

Deno.test("seal() steps after an hour, and only where it may", async () => {
  const { a } = await createSides();
  const stepAt = (nowMs: number, mayStep = true) => sealStep(a, { nowMs, mayStep }).step;
  assertEquals(stepAt(HOUR_MS - 1), 0);
  assertEquals(stepAt(HOUR_MS, false), 0);
  assertEquals(stepAt(HOUR_MS + 5), 1);
  assertEquals(stepAt(2 * HOUR_MS + 4), 1);
  const { frame, step } = sealStep(a, { nowMs: 2 * HOUR_MS + 5 });
  const head = decodeFrameHead(frame, fromHex(SESSION_ID));
  assertEquals([step, head?.step, head?.counter], [2, 2, 4]);
});

Deno.test("SendRatchet.stepIfDue() steps after 2^20 frames", async () => {
  const seals: number[] = [];
  const aead = {
    seal: () => EMPTY as Uint8Array<ArrayBuffer>,
    sealInPlace: () => void seals.push(1),
    openInPlace: () => false,
    open: () => null,
  };
  const ratchet = new SendRatchet(
    { hashes: await Hashes.create(), aeads: { chacha20Poly1305: aead } },
    { chain: fromHex(CHAIN_A_TO_B), method: "alpha", nowMs: 0 },
  );
  for (let frame = 0; frame < 2 ** 20; frame++) {
    ratchet.stepIfDue(1);
    ratchet.seal(EMPTY, EMPTY, EMPTY);
  }
  assertEquals(ratchet.step, 0);
  ratchet.stepIfDue(1);
  assertEquals(ratchet.step, 1);
  ratchet.seal(EMPTY, EMPTY, EMPTY);
  ratchet.stepIfDue(1);
  assertEquals(ratchet.step, 1, "the next step counts its own frames");
});

Deno.test("open() keeps older and skipped keys for two minutes after a later step's first frame", async () => {
  const { a, b } = await createSides();
  const old = [seal(a), seal(a), seal(a)];
  const skipped = [seal(a, { nowMs: HOUR_MS }), seal(a, { nowMs: HOUR_MS })];
  const latest = [seal(a, { nowMs: 2 * HOUR_MS }), seal(a, { nowMs: 2 * HOUR_MS })];
  assertEquals(b.open({ nowMs: 1000, frame: latest[0]! }).outcome, "opened");
  assertEquals(b.open({ nowMs: 1000, frame: old[0]! }).outcome, "opened");
  assertEquals(b.open({ nowMs: 120_999, frame: old[1]! }).outcome, "opened");
  assertEquals(b.open({ nowMs: 120_999, frame: skipped[0]! }).outcome, "opened");
  assertEquals(b.open({ nowMs: 121_000, frame: old[2]! }).outcome, "refused");
  assertEquals(b.open({ nowMs: 121_000, frame: skipped[1]! }).outcome, "refused");
  assertEquals(b.open({ nowMs: 121_000, frame: latest[1]! }).outcome, "opened");
});

Deno.test("open() counts the two minutes from the first later step, not from the latest", async () => {
  const { a, b } = await createSides();
  const old = [seal(a), seal(a)];
  const middle = seal(a, { nowMs: HOUR_MS });
  const latest = seal(a, { nowMs: 2 * HOUR_MS });
  assertEquals(b.open({ nowMs: 1000, frame: middle }).outcome, "opened");
  assertEquals(b.open({ nowMs: 60_000, frame: latest }).outcome, "opened");
  assertEquals(b.open({ nowMs: 120_999, frame: old[0]! }).outcome, "opened");
  assertEquals(b.open({ nowMs: 121_000, frame: old[1]! }).outcome, "refused");
});

Deno.test("open() follows 64 steps and no further", async () => {
  const { a, b } = await createSides();
  for (let step = 1; step <= 64; step++) seal(a, { nowMs: step * HOUR_MS });
  const reachable = seal(a, { nowMs: 64 * HOUR_MS });
  const beyond = seal(a, { nowMs: 65 * HOUR_MS });
  assertEquals(b.open({ nowMs: 0, frame: beyond }).outcome, "refused");
  assertEquals(b.open({ nowMs: 0, frame: reachable }).outcome, "opened");
  assertEquals(b.open({ nowMs: 0, frame: beyond }).outcome, "opened");
});

Deno.test("open() reports an authentic frame of a wrong inside, and the window has moved", async () => {
  const forge = await createForger();
  const wrong: readonly Uint8Array[] = [
    EMPTY,
    inside("[]"),
    inside("null"),
    inside("{}"),
    inside('{"type":1}'),
    inside('{"type":"core.tick"'),
    inside('\uFEFF{"type":"core.tick"}'),
    badUtf8(),
    inside(TICK, { bodyLength: 1 }),
    inside(TICK, { bodyLength: 2 ** 32 - 1 }),
    inside(TICK, { rest: new Uint8Array([0, 1]) }),
    inside(TICK + " ".repeat(4096)),
  ];
  for (const content of wrong) {
    const { b } = await createSides();
    const frame = forge(2000, content);
    assertEquals(b.open({ nowMs: 0, frame }), { outcome: "dropped" });
    assertEquals(b.open({ nowMs: 0, frame }), { outcome: "dropped" });
    assertEquals(b.open({ nowMs: 0, frame: forge(976, inside(TICK)) }).outcome, "dropped");
    assertEquals(b.open({ nowMs: 0, frame: forge(977, inside(TICK)) }).outcome, "opened");
  }
});

Deno.test("open() takes a counter of 2^53 - 1 and nothing above it", async () => {
  const forge = await createForger();
  const { b } = await createSides();
  assertEquals(b.open({ nowMs: 0, frame: forge(2 ** 53 - 1, inside(TICK)) }).outcome, "opened");
  assertEquals(b.open({ nowMs: 0, frame: forge(2 ** 53, inside(TICK)) }).outcome, "dropped");
  assertEquals(b.open({ nowMs: 0, frame: forge(2 ** 63, inside(TICK)) }).outcome, "dropped");
  assertEquals(b.open({ nowMs: 0, frame: forge(5, inside(TICK)) }).outcome, "dropped");
});

Deno.test("open() refuses frames of another version, session or size", async () => {
  const { a, b } = await createSides();
  const frame = seal(a);
  const otherVersion = frame.slice();
  otherVersion[0] = 2;
  const otherSession = frame.slice();
  otherSession[16]! ^= 1;
  const tooLong = new Uint8Array(2 ** 20 + 1);
  tooLong.set(frame);
  for (const bad of [otherVersion, otherSession, tooLong, EMPTY, frame.subarray(0, 44)]) {
    assertEquals(b.open({ nowMs: 0, frame: bad }), { outcome: "refused" });
  }
  assertEquals(b.open({ nowMs: 0, frame }).outcome, "opened");
});

Deno.test("seal() takes frames of 2^20 bytes and headers of 4 KiB, and no counter for larger ones", async () => {
  const { a, b } = await createSides();
  const room = 2 ** 20 - 29 - 16 - 6 - TICK.length;
  assertThrows(() => seal(a, { body: new Uint8Array(room + 1) }), CryptoError, "frame");
  assertThrows(() => seal(a, { body: new Uint8Array(room), padding: 1 }), CryptoError, "frame");
  const longest = '{"type":"' + "é".repeat(2042) + '"}';
  assertThrows(() => seal(a, { header: longest + "  " }), CryptoError, "header");
  const body = new Uint8Array(room).fill(7);
  const frame = seal(a, { body });
  assertEquals(frame.length, 2 ** 20);
  assertEquals(b.open({ nowMs: 0, frame }), {
    outcome: "opened",
    header: TICK,
    body,
    step: 0,
    counter: 0,
  });
  const opened = b.open({ nowMs: 0, frame: seal(a, { header: longest }) });
  assertEquals(opened.outcome === "opened" && opened.header, longest);
});

Deno.test("seal() and open() carry several messages in one frame, in their order", async () => {
  const { a, b } = await createSides();
  const more = Array.from({ length: 63 }, (_, index) => ({
    header: `{"type":"m.ü${index}"}`,
    body: new Uint8Array(index).fill(index),
  }));
  const frame = seal(a, { body: new Uint8Array([1]), more, padding: 5 });
  const expected = { header: TICK, body: new Uint8Array([1]), more, step: 0, counter: 0 };
  assertEquals(b.open({ nowMs: 0, frame }), { outcome: "opened", ...expected });
  assertEquals(b.open({ nowMs: 0, frame }), { outcome: "repeat", ...expected });
});

Deno.test("open() drops a frame of several messages as a whole where one is wrong, or there are too many", async () => {
  const forge = await createForger();
  const { b } = await createSides();
  const tick = inside(TICK);
  const wrong = [
    concatBytes(tick, inside("[]")),
    concatBytes(tick, inside(TICK, { bodyLength: 1 })),
    concatBytes(tick, new Uint8Array(6), tick),
    concatBytes(tick, tick.subarray(0, 5)),
    concatBytes(...Array.from({ length: 65 }, () => tick)),
  ];
  wrong.forEach((content, counter) => {
    assertEquals(b.open({ nowMs: 0, frame: forge(counter, content) }), { outcome: "dropped" });
  });
  const most = concatBytes(...Array.from({ length: 64 }, () => tick), new Uint8Array(7));
  const opened = b.open({ nowMs: 0, frame: forge(wrong.length, most) });
  assertEquals(opened.outcome === "opened" && opened.more?.length, 63);
});
