import { assertEquals, assertRejects } from "@std/assert";
import { createLocalBulk } from "../../../crypto/bulk/file_chunks.ts";
import { concatBytes } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { bep52Content } from "../../vectors/bep52.ts";
import { PEERS, SharingWorld, testId } from "./sharing_world.ts";

const [PEER] = PEERS;
const MIB = 2 ** 20;
const CONTENT = bep52Content(3 * MIB);
/** The layer and three chunks, with a tag each. */
const SEALED_BYTES = 96 + 16 + 3 * (MIB + 16);

const bulk = createLocalBulk();
const roots = await Promise.all(
  [0, 1, 2].map((chunk) => {
    return bulk.hashChunk({ data: CONTENT.slice(chunk * MIB, (chunk + 1) * MIB), isWhole: false });
  }),
);
const LAYER = concatBytes(...roots);

/** What is kept of shares besides their records, as it lies on the disk. */
function keptOf({ world }: SharingWorld): string {
  const rows = world.parts.database.prepare("SELECT sealed FROM file_sharing_parts").all();
  return rows.map(({ sealed }) => (sealed as Uint8Array).toHex()).join();
}

/** Reads a shared file as a peer does: it comes whole only where each chunk is what its layer says. */
async function assertFetched(sharing: SharingWorld, share: string): Promise<void> {
  const wanted = { share, file: 0, download: testId(1) };
  const { header } = await sharing.call("request", PEER, wanted);
  assertEquals((await sharing.read(header!.file_url)).length, SEALED_BYTES);
}

Deno.test("the layers of a share are sealed on disk, come back after a restart, and go with it", async () => {
  await using sharing = await SharingWorld.start();
  const { wire, id } = await sharing.share(PEER, CONTENT);
  assertEquals(keptOf(sharing).length > 0, true);
  assertEquals(keptOf(sharing).includes(LAYER.slice(0, 32).toHex()), false);
  await assertFetched(sharing, wire);
  await sharing.restart();
  await assertFetched(sharing, wire);
  await sharing.hosted.ask("POST", `/m/file_sharing/shares/${id}/revoke`);
  assertEquals(keptOf(sharing), "");
});

Deno.test("a layer that was changed on disk, or is another file's, is not used", async () => {
  await using sharing = await SharingWorld.start();
  const { database } = sharing.world.parts;
  const { wire, id } = await sharing.share(PEER, CONTENT);
  const { id: other } = await sharing.share(PEER, bep52Content(2 * MIB));
  database.prepare(
    "UPDATE file_sharing_parts SET sealed = (SELECT sealed FROM file_sharing_parts WHERE share = ?) " +
      "WHERE share = ?",
  ).run(other, id);
  const { code } = await assertRejects(() => assertFetched(sharing, wire), OpenRedError);
  assertEquals(code, "internal");
});

Deno.test("layers of earlier versions are sealed at the next start", async () => {
  await using sharing = await SharingWorld.start();
  const { wire, id } = await sharing.share(PEER, CONTENT);
  const { database } = sharing.world.parts;
  database.prepare("DELETE FROM file_sharing_parts").run();
  database.prepare("INSERT INTO file_sharing_layers (share, file, layer) VALUES (?, 0, ?)")
    .run(id, LAYER);
  await sharing.restart();
  assertEquals(database.prepare("SELECT * FROM file_sharing_layers").all(), []);
  assertEquals(keptOf(sharing).includes(LAYER.slice(0, 32).toHex()), false);
  await assertFetched(sharing, wire);
});
