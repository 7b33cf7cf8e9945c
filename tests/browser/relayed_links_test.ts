import { assertEquals } from "@std/assert";
import { LinkNode } from "../modules/file_sharing/links/link_node.ts";
import { filesIn } from "../modules/file_sharing/sharing_nodes.ts";
import { RealRelay } from "../world/real_relay.ts";
import { until } from "../world/until.ts";
import { bep52Content } from "../vectors/bep52.ts";
import { testInBrowser } from "./chromium.ts";
import { Visit } from "./visit.ts";

const MIB = 2 ** 20;

async function startBehind(relay: RealRelay): Promise<LinkNode> {
  const node = new LinkNode();
  await node.start({ relay: { url: relay.url, id: null } }, node.clock);
  await until(
    async () => (await node.status()).relay?.passes_links === true,
    "the relay to say that it passes links on",
  );
  return node;
}

testInBrowser("a file of a node behind a relay is saved from a link", async (browser) => {
  await using relay = await new RealRelay().start();
  await using node = await startBehind(relay);
  const content = bep52Content(5 * MIB + 5);
  const made = await node.link([node.write("a.bin", content)], { count: 1 });
  const link = relay.linkTo(node, made.link);
  await using visit = await Visit.start(browser);
  const { page } = visit;
  await page.goto(link);
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save a.bin" }).click();
  const saved = await Deno.readFile(await (await coming).path());
  assertEquals(saved, content);
  await visit.says("every byte of it is right");
  await page.goto("about:blank");
  await page.goto(link);
  await visit.says("as often as it may be");
  await node.unshare(made.id);
  await page.goto("about:blank");
  await page.goto(link);
  await visit.says("taken back");
});

testInBrowser("files are sent to a node behind a relay", async (browser) => {
  await using relay = await new RealRelay().start();
  await using node = await startBehind(relay);
  const { link } = await node.request();
  await using visit = await Visit.start(browser, { locale: "fr-FR" });
  const { page } = visit;
  await page.goto(relay.linkTo(node, link));
  const { Buffer } = await import("node:buffer");
  const content = bep52Content(3 * MIB + 5);
  await page.getByLabel("Fichiers à envoyer").setInputFiles([
    {
      name: "a.bin",
      mimeType: "application/octet-stream",
      buffer: Buffer.from(content) as never,
    },
  ]);
  await page.getByRole("button", { name: "Envoyer", exact: true }).click();
  await visit.says("Tous les fichiers sont arrivés");
  const [request] = await node.requests();
  const folder = `${node.folder}/${request!.received[0]!.name}`;
  assertEquals(filesIn(folder), ["a.bin"]);
  assertEquals(Deno.readFileSync(`${folder}/a.bin`), content);
});

testInBrowser("a link whose node has left the relay says so in both languages", async (browser) => {
  await using relay = await new RealRelay().start();
  await using node = await startBehind(relay);
  const made = await node.link([node.write("a.bin", bep52Content(MIB))]);
  const link = relay.linkTo(node, made.link);
  await node.stop();
  for (
    const [locale, text] of [
      ["en-GB", "The node does not answer"],
      ["fr-FR", "Le nœud ne répond pas"],
    ] as const
  ) {
    await using visit = await Visit.start(browser, { locale });
    await visit.page.goto(link);
    await visit.says(text);
  }
});
