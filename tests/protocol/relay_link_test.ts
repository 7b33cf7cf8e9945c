import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { MAX_RELAY_DATA_BYTES, RELAY_CREDIT_BYTES } from "../../protocol/limits.ts";
import {
  decodeRelayFrame,
  encodeRelayClose,
  encodeRelayCredit,
  encodeRelayData,
  encodeRelayOpen,
  type RelayFrame,
} from "../../protocol/relay_frames.ts";
import { type LinkSocket, RelayLink, type RelayStream } from "../../protocol/relay_link.ts";
import { settle } from "../world/settle.ts";

/** A WebSocket that keeps what is sent, and is as full as a test says. */
class KeptSocket implements LinkSocket {
  bufferedBytes = 0;
  readonly sent: Uint8Array<ArrayBuffer>[] = [];
  closed: number | null = null;
  #flushed = Promise.withResolvers<void>();

  send(data: Uint8Array<ArrayBuffer>): void {
    this.sent.push(data);
  }

  flushed(): Promise<void> {
    return this.#flushed.promise;
  }

  flush(): void {
    this.bufferedBytes = 0;
    this.#flushed.resolve();
    this.#flushed = Promise.withResolvers();
  }

  close(code: number): void {
    this.closed ??= code;
  }

  get frames(): (RelayFrame | null)[] {
    return this.sent.map((frame) => decodeRelayFrame(frame));
  }

  dataOf(stream: number): number {
    return this.frames.reduce(
      (sum, frame) =>
        frame?.kind === "data" && frame.stream === stream ? sum + frame.data.length : sum,
      0,
    );
  }
}

interface Taken {
  readonly stream: RelayStream;
  readonly parts: { data: Uint8Array; isLast: boolean; cost: number }[];
  closed: number | null;
}

/** The end that takes streams. */
function takingEnd() {
  const socket = new KeptSocket();
  const taken: Taken[] = [];
  const failures: OpenRedError[] = [];
  const link = new RelayLink(socket, {
    opened: (stream) => {
      const one: Taken = { stream, parts: [], closed: null };
      taken.push(one);
      stream.listen({
        data: (data, part) => void one.parts.push({ data, ...part }),
        closed: (code) => void (one.closed = code),
      });
    },
    word: () => {},
    failed: (error) => void failures.push(error),
  });
  return { socket, link, taken, failures };
}

/** The end that opens them. */
function openingEnd() {
  const socket = new KeptSocket();
  const failures: OpenRedError[] = [];
  const link = new RelayLink(socket, {
    opened: null,
    word: () => {},
    failed: (error) => void failures.push(error),
  });
  const open = () => {
    const heard = { heads: 0, bytes: 0, closed: null as number | null };
    const stream = link.open(encodeUtf8("{}"), {
      head: () => void (heard.heads += 1),
      data: (data) => void (heard.bytes += data.length),
      closed: (code) => void (heard.closed = code),
    });
    return { stream, heard };
  };
  return { socket, link, failures, open };
}

const part = () => new Uint8Array(MAX_RELAY_DATA_BYTES);

Deno.test("RelayStream.send() stops at the end of its credit, and goes on with what comes back", async () => {
  const { socket, link, open } = openingEnd();
  const { stream } = open();
  let isSent = false;
  void stream.send(new Uint8Array(2 * RELAY_CREDIT_BYTES), true).then(() => isSent = true);
  await settle();
  assert(socket.dataOf(1) <= RELAY_CREDIT_BYTES && !isSent);
  const before = socket.dataOf(1);
  link.message(encodeRelayCredit(1, before));
  await settle();
  assert(socket.dataOf(1) > before);
  link.message(encodeRelayCredit(1, socket.dataOf(1) - before));
  await settle();
  link.message(encodeRelayCredit(1, MAX_RELAY_DATA_BYTES));
  await settle();
  assertEquals([socket.dataOf(1), isSent], [2 * RELAY_CREDIT_BYTES, true]);
});

Deno.test("a link ends where data comes beyond its credit", () => {
  const { socket, link, taken, failures } = takingEnd();
  link.message(encodeRelayOpen(1, encodeUtf8("{}")));
  for (let sent = 0; sent + MAX_RELAY_DATA_BYTES <= RELAY_CREDIT_BYTES; sent += part().length) {
    link.message(encodeRelayData(1, part(), false));
  }
  assertEquals(socket.closed, null);
  link.message(encodeRelayData(1, part(), false));
  assertEquals([socket.closed, failures.length, taken[0]!.closed], [1002, 1, 1001]);
});

Deno.test("small parts use credit up too", () => {
  const { socket, link } = takingEnd();
  link.message(encodeRelayOpen(1, encodeUtf8("{}")));
  for (let count = 0; count < RELAY_CREDIT_BYTES / 1_024; count++) {
    link.message(encodeRelayData(1, Uint8Array.of(1), false));
  }
  assertEquals(socket.closed, null);
  link.message(encodeRelayData(1, Uint8Array.of(1), false));
  assertEquals(socket.closed, 1002);
});

Deno.test("credit that is given lets as much in again", () => {
  const { socket, link, taken } = takingEnd();
  link.message(encodeRelayOpen(1, encodeUtf8("{}")));
  for (let count = 0; count < 100; count++) {
    link.message(encodeRelayData(1, part(), false));
    taken[0]!.stream.give(taken[0]!.parts.at(-1)!.cost);
  }
  assertEquals([socket.closed, taken[0]!.parts.length], [null, 100]);
  const given = socket.frames.reduce((sum, f) => f?.kind === "credit" ? sum + f.bytes : sum, 0);
  assert(given <= 100 * MAX_RELAY_DATA_BYTES && given > 96 * MAX_RELAY_DATA_BYTES);
});

Deno.test("a link ends where more credit comes than was used", async () => {
  const { socket, link, open } = openingEnd();
  const { stream, heard } = open();
  await stream.send(Uint8Array.of(1), false);
  link.message(encodeRelayCredit(1, 1_024));
  assertEquals(socket.closed, null);
  link.message(encodeRelayCredit(1, 1));
  assertEquals([socket.closed, heard.closed], [1002, 1001]);
});

Deno.test("streams take turns, one frame each, and wait for a full socket", async () => {
  const { socket, open } = openingEnd();
  const [one, two] = [open(), open()];
  socket.bufferedBytes = 2 ** 20;
  void one.stream.send(new Uint8Array(3 * MAX_RELAY_DATA_BYTES), true);
  void two.stream.send(new Uint8Array(3 * MAX_RELAY_DATA_BYTES), true);
  await settle();
  assertEquals(socket.dataOf(1) + socket.dataOf(2), 0);
  socket.flush();
  await settle();
  const order = socket.frames.flatMap((f) => f?.kind === "data" ? [f.stream] : []);
  assertEquals(order, [1, 2, 1, 2, 1, 2]);
});

Deno.test("close and credit go while data waits for the socket", async () => {
  const { socket, open } = openingEnd();
  const [one, two] = [open(), open()];
  socket.bufferedBytes = 2 ** 20;
  const sending = one.stream.send(part(), true);
  two.stream.close(1001);
  one.stream.close(1001);
  await settle();
  assertEquals(socket.frames.slice(2).map((frame) => frame?.kind), ["close", "close"]);
  assertEquals(await sending, false);
});

Deno.test("data of a stream that is over is dropped, as far as it had credit", () => {
  const { socket, link, taken } = takingEnd();
  link.message(encodeRelayOpen(1, encodeUtf8("{}")));
  taken[0]!.stream.close(1008);
  for (let count = 0; count < 4; count++) link.message(encodeRelayData(1, part(), false));
  assertEquals([socket.closed, taken[0]!.parts.length], [null, 0]);
  link.message(encodeRelayData(1, part(), false));
  assertEquals(socket.closed, 1002);
});

Deno.test("credit and close of a stream that is over say nothing", () => {
  const { socket, link, taken } = takingEnd();
  link.message(encodeRelayOpen(1, encodeUtf8("{}")));
  link.message(encodeRelayClose(1, 1001));
  link.message(encodeRelayCredit(1, 1_024));
  link.message(encodeRelayClose(1, 1001));
  assertEquals([socket.closed, taken[0]!.closed, taken.length], [null, 1001, 1]);
});

Deno.test("a link ends for a stream out of order, a second head, text, and what only one end may open", () => {
  const wrong: ((link: RelayLink) => void)[] = [
    (link) => link.message(encodeRelayData(5, part(), false)),
    (link) => {
      link.message(encodeRelayOpen(3, encodeUtf8("{}")));
      link.message(encodeRelayOpen(3, encodeUtf8("{}")));
    },
    (link) => link.message(null),
  ];
  for (const send of wrong) {
    const { socket, link, failures } = takingEnd();
    send(link);
    assertEquals([socket.closed, failures.length], [1002, 1]);
  }
  const { socket, link } = openingEnd();
  link.message(encodeRelayOpen(1, encodeUtf8("{}")));
  assertEquals(socket.closed, 1002);
});

Deno.test("the end of a link ends its streams, what waits, and lets no other open", async () => {
  const { socket, link, open } = openingEnd();
  const { stream, heard } = open();
  socket.bufferedBytes = 2 ** 20;
  const sending = stream.send(part(), true);
  link.ended();
  assertEquals([await sending, heard.closed, stream.isOver], [false, 1001, true]);
  assertThrows(() => open(), OpenRedError);
});
