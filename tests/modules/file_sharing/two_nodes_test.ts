import { assertEquals } from "@std/assert";
import { bep52Content } from "../../vectors/bep52.ts";
import { filesIn, SharingNodes } from "./sharing_nodes.ts";

const MIB = 2 ** 20;

for (const length of [0, 1, 16_385, MIB - 1, MIB, MIB + 1, 9 * MIB + 4_321]) {
  Deno.test(`a file of ${length} bytes arrives as it was shared`, async () => {
    await using nodes = await SharingNodes.start();
    const { bob } = nodes;
    const content = bep52Content(length);
    const { offer } = await nodes.offer("some file.bin", content);
    assertEquals(filesIn(bob.folder), []);
    await bob.accept(offer);
    const done = await bob.reaches(offer, "done", "failed", "paused");
    assertEquals([done.state, done.why, done.landed], ["done", null, ["some file.bin"]]);
    assertEquals(done.done_bytes, length);
    assertEquals(filesIn(bob.folder), ["some file.bin"]);
    assertEquals(Deno.readFileSync(`${bob.folder}/some file.bin`), content);
  });
}
