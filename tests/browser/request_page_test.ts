import { assertEquals } from "@std/assert";
import { LinkNode } from "../modules/file_sharing/links/link_node.ts";
import { filesIn } from "../modules/file_sharing/sharing_nodes.ts";
import { bep52Content } from "../vectors/bep52.ts";
import { testInBrowser } from "./chromium.ts";
import { Visit } from "./visit.ts";

const MIB = 2 ** 20;

function chosen(name: string, content: Uint8Array) {
  return { name, mimeType: "application/octet-stream", buffer: content as never };
}

testInBrowser("files that somebody sends land in a folder of their own", async (browser) => {
  await using node = await LinkNode.start();
  const { link, id } = await node.request();
  await using visit = await Visit.start(browser, { viewport: { width: 360, height: 740 } });
  const { page } = visit;
  await page.goto(link);
  await visit.says("Up to 1 GiB");
  const { Buffer } = await import("node:buffer");
  const large = bep52Content(3 * MIB + 5);
  await page.getByLabel("Files to send").setInputFiles([
    chosen("a.bin", Buffer.from(large)),
    chosen("../b.txt", Buffer.from("hello")),
    chosen("empty", Buffer.from("")),
  ]);
  assertEquals(await page.evaluate("document.documentElement.scrollWidth"), 360);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await visit.says("All files have arrived");
  const [request] = await node.requests();
  assertEquals([request!.id, request!.state, request!.received.length], [id, "used", 1]);
  const folder = `${node.folder}/${request!.received[0]!.name}`;
  assertEquals(filesIn(folder), ["_b.txt", "a.bin", "empty"]);
  assertEquals(Deno.readFileSync(`${folder}/a.bin`), large);
  assertEquals(filesIn(node.folder), [request!.received[0]!.name]);
  await page.goto("about:blank");
  await page.goto(link);
  await visit.says("as often as it may be");
});

testInBrowser("a changed byte of what is sent is noticed, and nothing lands", async (browser) => {
  await using node = await LinkNode.start();
  const { link } = await node.request();
  await using visit = await Visit.start(browser, { locale: "fr-FR" });
  const { page } = visit;
  await page.route(/\/0\/1$/, async (route) => {
    const body = route.request().postDataBuffer()!;
    body[20]! ^= 1;
    await route.continue({ postData: body });
  });
  await page.goto(link);
  const { Buffer } = await import("node:buffer");
  await page.getByLabel("Fichiers à envoyer").setInputFiles([
    chosen("a.bin", Buffer.from(bep52Content(2 * MIB))),
  ]);
  await page.getByRole("button", { name: "Envoyer", exact: true }).click();
  await visit.says("Rien n’est arrivé");
  assertEquals((await node.requests())[0]!.received, []);
});
