import { assertEquals, assertRejects } from "@std/assert";
import { OpenRedError } from "../../../protocol/errors.ts";
import { bep52Content } from "../../vectors/bep52.ts";
import { PEERS, SharingWorld, testId } from "./sharing_world.ts";

const [PEER] = PEERS;
const MIB = 2 ** 20;

/** What is kept of shares besides their records, as it lies on the disk. */
function keptOf({ world }: SharingWorld): string {
  const rows = world.parts.database.prepare("SELECT sealed FROM file_sharing_parts").all();
  return rows.map(({ sealed }) => (sealed as Uint8Array).toHex()).join();
}

/** The layer that a peer is sent. */
async function layerOf(sharing: SharingWorld, share: string): Promise<Uint8Array> {
  const wanted = { share, file: 0, download: testId(1) };
  const { header } = await sharing.call("request", PEER, wanted);
  const [piece] = await sharing.read(PEER, { transfer: header!.transfer, part: "layer", at: 0 });
  return piece!.body!;
}

Deno.test("the layers of a share are sealed on disk, come back after a restart, and go with it", async () => {
  await using sharing = await SharingWorld.start();
  const { wire, id } = await sharing.share(PEER, bep52Content(3 * MIB));
  const layer = await layerOf(sharing, wire);
  assertEquals(layer.length, 96);
  assertEquals(keptOf(sharing).includes(layer.slice(0, 32).toHex()), false);
  await sharing.restart();
  assertEquals(await layerOf(sharing, wire), layer);
  await sharing.hosted.ask("POST", `/m/file_sharing/shares/${id}/revoke`);
  assertEquals(keptOf(sharing), "");
});

Deno.test("a layer that was changed on disk, or is another file's, is not used", async () => {
  await using sharing = await SharingWorld.start();
  const { database } = sharing.world.parts;
  const { wire, id } = await sharing.share(PEER, bep52Content(3 * MIB));
  const { id: other } = await sharing.share(PEER, bep52Content(2 * MIB));
  database.prepare(
    "UPDATE file_sharing_parts SET sealed = (SELECT sealed FROM file_sharing_parts WHERE share = ?) " +
      "WHERE share = ?",
  ).run(other, id);
  const { code } = await assertRejects(() => layerOf(sharing, wire), OpenRedError);
  assertEquals(code, "internal");
});

Deno.test("layers of earlier versions are sealed at the next start", async () => {
  await using sharing = await SharingWorld.start();
  const { wire, id } = await sharing.share(PEER, bep52Content(3 * MIB));
  const layer = await layerOf(sharing, wire);
  const { database } = sharing.world.parts;
  database.prepare("DELETE FROM file_sharing_parts").run();
  database.prepare("INSERT INTO file_sharing_layers (share, file, layer) VALUES (?, 0, ?)")
    .run(id, layer);
  await sharing.restart();
  assertEquals(database.prepare("SELECT * FROM file_sharing_layers").all(), []);
  assertEquals(keptOf(sharing).includes(layer.slice(0, 32).toHex()), false);
  assertEquals(await layerOf(sharing, wire), layer);
});
