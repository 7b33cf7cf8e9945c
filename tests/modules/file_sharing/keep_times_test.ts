import { assertEquals } from "@std/assert";
import { bep52Content } from "../../vectors/bep52.ts";
import { SharingNodes } from "./sharing_nodes.ts";

const CHANGED = new Date("2001-02-03T04:05:06.789Z");

/** The times that what is shared has here, by the names of the files. */
function times(folder: string): Record<string, boolean> {
  const paths = ["one.bin", "many/inner/two.txt", "many/three.txt"];
  return Object.fromEntries(
    paths.map((path) => [
      path,
      Deno.statSync(`${folder}/${path}`).mtime?.getTime() === CHANGED.getTime(),
    ]),
  );
}

Deno.test("files keep the times of their last change where the owner wants that, in folders as well", async () => {
  await using nodes = await SharingNodes.start();
  const { alice, bob } = nodes;
  const one = alice.write("one.bin", bep52Content(2 ** 20 + 5));
  Deno.mkdirSync(`${alice.folder}/many/inner`, { recursive: true });
  const more = [
    alice.write("many/inner/two.txt", bep52Content(2)),
    alice.write("many/three.txt", bep52Content(3)),
  ];
  for (const path of [one, ...more]) Deno.utimeSync(path, CHANGED, CHANGED);
  const input = { peer: bob.id, paths: [one, `${alice.folder}/many`] };
  for (const [number, keep_times] of [[1, true], [2, false]] as const) {
    await alice.share(input);
    const { id } = await bob.offered(number);
    const folder = `${bob.folder}/${number}`;
    Deno.mkdirSync(folder);
    await bob.ask("POST", `/m/file_sharing/offers/${id}/accept`, { folder, keep_times });
    await bob.reaches(id, "done");
    const expected = { "one.bin": keep_times };
    assertEquals(times(folder), {
      ...expected,
      "many/inner/two.txt": keep_times,
      "many/three.txt": keep_times,
    });
  }
});
