import { assertEquals } from "@std/assert";
import { LineWriter } from "../../ports/line_writer.ts";

Deno.test("LineWriter writes a line that comes in whatever moment the former ones have left", async () => {
  for (let turns = 0; turns < 12; turns += 1) {
    const written: string[] = [];
    const stream = {
      write: (bytes: Uint8Array) => {
        written.push(new TextDecoder().decode(bytes));
        return Promise.resolve(bytes.length);
      },
    };
    const writer = new LineWriter({ stream, lost: () => "" });
    writer.write("one\n");
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    writer.write("two\n");
    await writer.flushed();
    assertEquals(written.join(""), "one\ntwo\n", `${turns} turns later`);
  }
});
