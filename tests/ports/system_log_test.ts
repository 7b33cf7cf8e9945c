import { assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { LineWriter } from "../../ports/line_writer.ts";
import { formatLine } from "../../ports/log_lines.ts";
import { LINES_PER_MINUTE } from "../../ports/log_throttle.ts";
import { createLog } from "../../ports/system.ts";
import { VirtualClock } from "../world/virtual_clock.ts";

const LOST = (count: number) => `lost ${count}\n`;

/** A stream that takes what a test lets it. */
class TestStream {
  text = "";
  /** Bytes it still has room for. */
  room = Infinity;
  /** What a write waits for. */
  ready: Promise<void> = Promise.resolve();

  async write(bytes: Uint8Array): Promise<number> {
    await this.ready;
    if (this.room === 0) throw new Error("No space left on device");
    const some = bytes.subarray(0, this.room);
    this.room -= some.length;
    this.text += new TextDecoder().decode(some);
    return some.length;
  }
}

Deno.test("LineWriter drops lines that a stream does not take, says how many, and goes on", async () => {
  const stream = new TestStream();
  const writer = new LineWriter({ stream, lost: LOST });
  writer.write("first\n");
  await writer.flushed();
  stream.room = 3;
  writer.write("second\n");
  await writer.flushed();
  writer.write("third\n");
  await writer.flushed();
  stream.room = Infinity;
  writer.write("fourth\n");
  await writer.flushed();
  assertEquals(stream.text, "first\nsec\nlost 2\nfourth\n");
  assertEquals(writer.lost, 0);
});

Deno.test("LineWriter keeps a megabyte for a stream that nobody reads, and never waits", async () => {
  const stream = new TestStream();
  const read = Promise.withResolvers<void>();
  stream.ready = read.promise;
  const writer = new LineWriter({ stream, lost: LOST });
  const line = `${"x".repeat(1_023)}\n`;
  for (let count = 0; count < 5_000; count++) writer.write(line);
  assertEquals(writer.lost, 5_000 - 1_024);
  read.resolve();
  await writer.flushed();
  assertEquals(stream.text.split(line).length - 1, 1_024);
  writer.write("next\n");
  await writer.flushed();
  assertStringIncludes(stream.text, "lost 3976\n");
});

Deno.test("formatLine() lets no text forge a line, colour or turn a terminal", () => {
  const evil = [
    "\x9b31m",
    "\u202e",
    "\x1b[2J\x1b]0;t\x07",
    "\x85",
    "\u2028",
    "\n",
    "\ud800",
    "\u{e0001}",
  ];
  const texts = fc.array(fc.oneof(fc.constantFrom(...evil), fc.string({ unit: "binary" })));
  fc.assert(
    fc.property(texts, (parts) => {
      const text = parts.join("");
      const line = { time: "t", level: "info" as const, event: "e", fields: { text } };
      for (const format of ["json", "text"] as const) {
        const written = formatLine(format, line);
        assertEquals(/[\p{C}\p{Zl}\p{Zp}]/u.exec(written.slice(0, -1)), null);
        assertEquals(written.at(-1), "\n");
      }
      assertEquals(JSON.parse(formatLine("json", line)).text, text);
    }),
    { numRuns: 50 },
  );
});

Deno.test("createLog() sums up what comes more than 60 times a minute, event by event", async () => {
  const clock = new VirtualClock(1_790_000_000_000);
  const lines: { event: string; of?: string; count?: number }[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const log = createLog({ clock, level: "info", format: "json", write });
  for (let count = 0; count < 5_000; count++) log.log("warn", "handshake_refused");
  log.log("info", "session");
  assertEquals(lines.length, LINES_PER_MINUTE + 1);
  await clock.advance(60_000);
  const [sum] = lines.slice(-1);
  assertEquals([sum?.event, sum?.of, sum?.count], ["lines_left_out", "handshake_refused", 4_940]);
  log.log("warn", "handshake_refused");
  assertEquals(lines.length, LINES_PER_MINUTE + 3);
  for (let count = 0; count < 100; count++) log.log("warn", "handshake_refused");
  await log.flush();
  assertEquals(lines.at(-1)?.count, 41, "the end of a program says so too");
});
