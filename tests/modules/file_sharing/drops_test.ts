import { assertEquals, assertRejects } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { Drops } from "../../../modules/file_sharing/drops.ts";
import { Landing } from "../../../modules/file_sharing/landing.ts";
import { unlessDropped, unlessKnown } from "../../../modules/file_sharing/page_desk.ts";
import { pictureType } from "../../../modules/file_sharing/pictures.ts";
import { createOwnerFiles } from "../../../ports/system_owner_files.ts";
import { systemRandom } from "../../../ports/system_random.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { DroppedView, DropView, FolderView } from "../../../protocol/file_sharing_api.ts";
import { bep52Content } from "../../vectors/bep52.ts";
import { FakeClock } from "../../world/fake_clock.ts";
import { MemoryLog } from "../../world/memory_log.ts";
import { filesIn, SharingNode, SharingNodes } from "./sharing_nodes.ts";

const PIECE = 300_000;

async function start(): Promise<SharingNode> {
  const node = new SharingNode();
  await node.start();
  return node;
}

function begin(node: SharingNode, name: string, bytes: number): Promise<DropView> {
  return node.ask("POST", "/m/file_sharing/drops", { folder: node.folder, name, bytes });
}

function take(node: SharingNode, id: string, at: number, data: Uint8Array): Promise<DropView> {
  return node.ask("POST", `/m/file_sharing/drops/${id}`, { at, data: encodeBase64Url(data) });
}

async function drop(node: SharingNode, name: string, content: Uint8Array): Promise<string> {
  const { id } = await begin(node, name, content.length);
  for (let at = 0; at < content.length; at += PIECE) {
    await take(node, id, at, content.subarray(at, at + PIECE));
  }
  return (await node.ask<DroppedView>("POST", `/m/file_sharing/drops/${id}/finish`)).path;
}

async function refusal(work: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => work, OpenRedError)).code;
}

Deno.test("what is dropped lands whole, under a clean name that nothing has", async () => {
  await using node = await start();
  const content = bep52Content(2 * PIECE + 17);
  assertEquals(await drop(node, "a.bin", content), `${node.folder}/a.bin`);
  assertEquals(Deno.readFileSync(`${node.folder}/a.bin`), content);
  assertEquals(await drop(node, "../a.bin", encodeUtf8("x")), `${node.folder}/_a.bin`);
  assertEquals(await drop(node, "a.bin", new Uint8Array()), `${node.folder}/a (2).bin`);
});

Deno.test("a piece that does not follow is refused, and nothing lands before the last", async () => {
  await using node = await start();
  const { id } = await begin(node, "a.bin", 10);
  assertEquals(await refusal(take(node, id, 1, new Uint8Array(2))), "bad_request");
  assertEquals(await refusal(take(node, id, 0, new Uint8Array(11))), "bad_request");
  await take(node, id, 0, new Uint8Array(4));
  assertEquals(
    await refusal(node.ask("POST", `/m/file_sharing/drops/${id}/finish`)),
    "bad_request",
  );
  await node.ask("POST", `/m/file_sharing/drops/${id}/cancel`);
  assertEquals(await refusal(take(node, id, 4, new Uint8Array(1))), "not_found");
  assertEquals(filesIn(node.folder), []);
});

Deno.test("there is room for sixteen at a time, and a stop leaves nothing of them", async () => {
  await using node = await start();
  for (let count = 0; count < 16; count++) await begin(node, `${count}`, 1);
  assertEquals(await refusal(begin(node, "more", 1)), "overloaded");
  await node.stop();
  assertEquals(filesIn(node.folder), []);
});

Deno.test("a folder is made below one that is there, under a plain name", async () => {
  await using node = await start();
  const make = (parent: string, name: string) =>
    node.ask<FolderView>("POST", "/m/file_sharing/folders", { parent, name });
  const { folder } = await make(node.folder, "OpenRed");
  assertEquals(folder, `${node.folder}/OpenRed`);
  assertEquals((await make(node.folder, "OpenRed")).folder, folder);
  for (const name of ["..", ".", "a/b", "a\\b", "a\0"]) {
    assertEquals(await refusal(make(node.folder, name)), "bad_request");
  }
  assertEquals(await refusal(make(`${node.folder}/none`, "a")), "not_found");
  assertEquals(await refusal(make(node.data, "a")), "forbidden");
});

Deno.test("a picture is told by its first bytes, and only what has landed is read", async () => {
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3);
  assertEquals(pictureType(png), "image/png");
  assertEquals(pictureType(encodeUtf8("GIF89a…")), "image/gif");
  assertEquals(pictureType(encodeUtf8("RIFF....WEBPVP8 ")), "image/webp");
  assertEquals(pictureType(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)), "image/jpeg");
  assertEquals(pictureType(encodeUtf8("<svg onload=alert(1)>")), null);
  assertEquals(pictureType(new Uint8Array()), null);
  await using nodes = await SharingNodes.start();
  const { bob } = nodes;
  const show = async (id: string, name: string) => {
    const query = new URLSearchParams({ name });
    const path = `/m/file_sharing/transfers/${id}/picture?${query}`;
    const answer = await bob.admin.request("GET", path);
    return { status: answer.status, type: answer.headers.get("content-type"), answer };
  };
  const first = await nodes.offer("lake.png", png);
  await bob.accept(first.offer);
  await bob.reaches(first.offer, "done");
  const shown = await show(first.offer, "lake.png");
  assertEquals([shown.status, shown.type], [200, "image/png"]);
  assertEquals(await shown.answer.bytes(), png);
  bob.write("secret.png", png);
  assertEquals((await show(first.offer, "secret.png")).status, 404);
  assertEquals((await show("none", "lake.png")).status, 404);
  const second = await nodes.offer("page.png", encodeUtf8("<script>alert(1)</script>"));
  await bob.accept(second.offer);
  await bob.reaches(second.offer, "done");
  assertEquals((await show(second.offer, "page.png")).status, 400);
});

Deno.test("what the page has brought is shared without a factor with whom the node knows, and nothing else", async () => {
  const [data, made] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  const folder = Deno.realPathSync(made);
  const drops = new Drops({
    random: systemRandom,
    clock: new FakeClock(0),
    log: new MemoryLog(),
    disk: createOwnerFiles(data),
    landing: new Landing(),
  });
  const ofFiles = unlessDropped(() => ({ drops }));
  const asked = (...paths: string[]) => ofFiles(encodeUtf8(JSON.stringify({ paths })));
  const bring = async () => await drops.finish(await drops.begin({ folder, name: "a", bytes: 0 }));
  const first = await bring();
  assertEquals([asked(first), asked(first, `${folder}/b`), asked(folder)], [
    null,
    "recent",
    "recent",
  ]);
  assertEquals(asked(`${folder}/../${first}`), "recent");
  const widens = (peer: string) => Promise.resolve(peer === "a stranger");
  const toPeer = unlessKnown(() => ({ drops, context: { peers: { widens } } }));
  const offer = (peer: string) => toPeer(encodeUtf8(JSON.stringify({ peer, paths: [first] })));
  assertEquals([await offer("a friend"), await offer("a stranger")], [null, "recent"]);
  for (const path of [data, made]) Deno.removeSync(path, { recursive: true });
});
