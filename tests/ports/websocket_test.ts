import { assertEquals, assertInstanceOf, assertLess, assertRejects } from "@std/assert";
import fc from "fast-check";
import { HeldBytes, type Hold } from "../../ports/held_bytes.ts";
import { encodeClose, encodeFrame, FrameFault, OPCODE } from "../../ports/websocket_frames.ts";
import { type Incoming, MessageReader } from "../../ports/websocket_reader.ts";

const MASK = new Uint8Array([1, 2, 3, 4]);
const MAX = 100_000;

/** A socket that gives what it has in pieces of a test's choice. */
class Pieces {
  readonly #pieces: Uint8Array[];
  held: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(bytes: Uint8Array, sizes: readonly number[]) {
    this.#pieces = [];
    for (let at = 0, piece = 0; at < bytes.length; piece++) {
      const size = sizes[piece % sizes.length]!;
      this.#pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
  }

  get heldBytes(): number {
    return this.held.length;
  }

  skip(length: number): void {
    this.held = this.held.subarray(length);
  }

  fill(): Promise<boolean> {
    const next = this.#pieces.shift();
    if (next === undefined) return Promise.resolve(false);
    this.held = new Uint8Array([...this.held, ...next]);
    return Promise.resolve(true);
  }

  async read(target: Uint8Array): Promise<number | null> {
    if (this.heldBytes === 0 && !await this.fill()) return null;
    const some = this.held.subarray(0, target.length);
    target.set(some);
    this.skip(some.length);
    return some.length;
  }
}

function joinAll(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function readerOf(
  bytes: Uint8Array,
  options: {
    sizes?: readonly number[];
    isMasked?: boolean;
    hold?: Hold;
    partBytes?: number | null;
  } = {},
): MessageReader {
  const held = new HeldBytes({ perSourceBytes: MAX, totalBytes: MAX });
  return new MessageReader({
    partBytes: options.partBytes ?? null,
    socket: new Pieces(bytes, options.sizes ?? [1_000]),
    isMasked: options.isMasked ?? true,
    maxMessageBytes: MAX,
    hold: options.hold ?? held.begin("a"),
    nowMs: () => 0,
    heard: () => {},
  });
}

/** The same message in frames, each without its end but the last. */
function inFragments(data: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let at = 0;
  for (let part = 0; at < data.length || part === 0; part++) {
    const size = sizes[part % sizes.length]!;
    const frame = encodeFrame(
      part === 0 ? OPCODE.binary : OPCODE.continuation,
      data.subarray(at, at + size),
      MASK,
    );
    at += size;
    if (at < data.length) frame[0]! &= 0x7f;
    frames.push(frame);
  }
  return frames;
}

async function readAll(reader: MessageReader): Promise<Incoming[]> {
  const all: Incoming[] = [];
  for (let came = await reader.next(); came !== null; came = await reader.next()) all.push(came);
  return all;
}

Deno.test("MessageReader gives back what was framed, however it is cut and masked", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 9_000 }), { maxLength: 4 }),
      sizes,
      sizes,
      async (messages, fragments, pieces) => {
        const ping = encodeFrame(OPCODE.ping, new Uint8Array([7]), MASK);
        const bytes = joinAll(
          messages.flatMap((data) => inFragments(data, fragments).flatMap((one) => [one, ping])),
        );
        const came = await readAll(readerOf(bytes, { sizes: pieces }));
        const data = came.filter((one) => one.kind === "binary").map((one) => one.data);
        assertEquals(data, messages as Uint8Array<ArrayBuffer>[]);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("MessageReader refuses what is no WebSocket with 1002, too much with 1009 or 1008", async () => {
  const codeOf = async (bytes: Uint8Array) => {
    const error = await assertRejects(() => readAll(readerOf(bytes)), FrameFault);
    return error.code;
  };
  const part = (opcode: number) => {
    const frame = encodeFrame(opcode, new Uint8Array(1), MASK);
    frame[0]! &= 0x7f;
    return frame;
  };
  const wrong: Record<string, Uint8Array> = {
    "reserved bit": new Uint8Array([0xc2, 0x80, 0, 0, 0, 0]),
    "reserved opcode": encodeFrame(3, new Uint8Array(), MASK),
    "not masked": encodeFrame(OPCODE.binary, new Uint8Array(1), null),
    "long control frame": encodeFrame(OPCODE.ping, new Uint8Array(126), MASK),
    "control frame in parts": part(OPCODE.ping),
    "continuation of nothing": encodeFrame(OPCODE.continuation, new Uint8Array(1), MASK),
    "message within a message": joinAll([part(OPCODE.binary), part(OPCODE.binary)]),
    "close of one byte": encodeFrame(OPCODE.close, new Uint8Array(1), MASK),
    "close 999": encodeFrame(OPCODE.close, encodeClose(999, ""), MASK),
    "close 1005": encodeFrame(OPCODE.close, encodeClose(1005, ""), MASK),
  };
  for (const [name, bytes] of Object.entries(wrong)) {
    assertEquals(await codeOf(bytes), 1002, name);
  }
  const claims = (...length: number[]) => new Uint8Array([0x82, 0xff, ...length, 0, 0, 0, 0]);
  assertEquals(await codeOf(claims(0, 0, 0, 0, 0, 1, 0x86, 0xa1)), 1009, "one more than fits");
  assertEquals(await codeOf(claims(255, 255, 255, 255, 255, 255, 255, 255)), 1009);
  const pieces = [part(OPCODE.binary), ...Array<Uint8Array>(4_096).fill(part(OPCODE.continuation))];
  assertEquals(await codeOf(joinAll(pieces)), 1008, "too many parts");
});

Deno.test("MessageReader counts a message for its source before it is whole, and no more once it is", async () => {
  const held = new HeldBytes({ perSourceBytes: 10_000, totalBytes: 15_000 });
  const frame = encodeFrame(OPCODE.binary, new Uint8Array(9_000), MASK);
  const half = frame.subarray(0, 6_000);
  assertEquals(await readAll(readerOf(half, { hold: held.begin("a") })), []);
  assertEquals(held.totalBytes, 6_000 - 8);
  const more = await assertRejects(() => readAll(readerOf(half, { hold: held.begin("a") })));
  assertInstanceOf(more, FrameFault);
  assertEquals(more.code, 1008, "the source has its share");
  const other = readerOf(frame, { hold: held.begin("b") });
  await assertRejects(() => readAll(other), FrameFault, "Too much");
  const fits = new HeldBytes({ perSourceBytes: 9_000, totalBytes: 9_000 });
  const twice = readerOf(joinAll([frame, frame]), { hold: fits.begin("a") });
  assertEquals((await readAll(twice)).length, 2);
  assertEquals(fits.totalBytes, 0);
});

/** Ends that the runtime brings along, as the other one of ours. */
Deno.test("channels and the runtime's own WebSockets understand each other, in time", async (test) => {
  const { serveLoopback } = await import("./loopback_server.ts");
  const { systemChannelUpgrader, systemHttpClient } = await import("../../ports/system.ts");
  await test.step("the runtime opens, in parts of 1,024 bytes", async () => {
    await using server = serveLoopback((request) => {
      const { channel, response } = systemChannelUpgrader.upgrade(request);
      channel.listen({ message: (data) => void (data && channel.send(data)), close: () => {} });
      return response;
    });
    const socket = new WebSocket(server.url.replace("http", "ws"));
    socket.binaryType = "arraybuffer";
    await new Promise((resolve) => socket.onopen = resolve);
    const sent = crypto.getRandomValues(new Uint8Array(5_000));
    const answer = new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
    socket.send(sent);
    assertEquals(new Uint8Array((await answer).data), sent);
    const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
    socket.close(3001);
    assertEquals((await closed).code, 3001);
  });
  await test.step("the runtime accepts; 2,000 bytes there and back wait for no acknowledgement of TCP", async () => {
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.binaryType = "arraybuffer";
      socket.onmessage = ({ data }) => data.byteLength > 1 && socket.send(data);
      return response;
    });
    const url = `ws://127.0.0.1:${server.addr.port}`;
    const channel = await systemHttpClient.openChannel({ url, timeoutMs: 5_000 });
    const times: number[] = [];
    let sentMs = 0;
    const send = () => {
      sentMs = performance.now();
      // Nobody answers the first one: the second must not wait until TCP acknowledges it.
      channel.send(new Uint8Array(1));
      channel.send(new Uint8Array(2_000));
    };
    const done = new Promise<void>((resolve) => {
      channel.listen({
        message: () => {
          times.push(performance.now() - sentMs);
          if (times.length < 30) send();
          else channel.close(1000);
        },
        close: () => resolve(),
      });
    });
    send();
    await done;
    await server.shutdown();
    // A delayed acknowledgement is 40 ms; the median of an exchange is under one.
    assertLess(times.toSorted((a, b) => a - b)[15]!, 20);
  });
});

Deno.test("MessageReader gives parts as they come, none longer than asked for, and says which is the last", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 9_000 }), { maxLength: 4 }),
      sizes,
      fc.integer({ min: 1, max: 1_000 }).map((words) => words * 4),
      async (messages, fragments, partBytes) => {
        const ping = encodeFrame(OPCODE.ping, new Uint8Array([7]), MASK);
        const bytes = joinAll(
          messages.flatMap((data) => inFragments(data, fragments).flatMap((one) => [one, ping])),
        );
        const came = await readAll(readerOf(bytes, { sizes: [700], partBytes }));
        const parts = came.filter((one) => one.kind === "binary");
        assertLess(Math.max(0, ...parts.map(({ data }) => data.length)), partBytes + 1);
        const whole: Uint8Array[] = [];
        let message: Uint8Array[] = [];
        for (const { data, isLast } of parts) {
          message.push(data);
          if (!isLast) continue;
          whole.push(joinAll(message));
          message = [];
        }
        assertEquals([whole, message.length], [messages as Uint8Array[], 0]);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("MessageReader holds to its limit what it gives in parts", async () => {
  const frames = inFragments(new Uint8Array(MAX + 1), [40_000]);
  const reader = readerOf(joinAll(frames), { partBytes: 4_000 });
  const error = await assertRejects(() => readAll(reader), FrameFault);
  assertEquals(error.code, 1009);
});
