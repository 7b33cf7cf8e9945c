import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Browser } from "playwright-core";
import { LinkNode } from "../modules/file_sharing/links/link_node.ts";
import { readZip } from "../modules/file_sharing/links/zip_reader.ts";
import { bep52Content } from "../vectors/bep52.ts";
import { testInBrowser } from "./chromium.ts";
import { Visit } from "./visit.ts";

const MIB = 2 ** 20;
const DAY_MS = 86_400_000;

async function sha256(path: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(hash).toHex();
}

/** Memory of the processes that run pages, in bytes: now, and at most so far. */
async function tabMemory(browser: Browser): Promise<{ now: number; most: number }> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const sizes = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => {
    const status = Deno.readTextFileSync(`/proc/${id}/status`);
    const of = (name: string) => 1_024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
    return { now: of("VmRSS"), most: of("VmHWM") };
  });
  return {
    now: Math.max(...sizes.map(({ now }) => now)),
    most: Math.max(...sizes.map(({ most }) => most)),
  };
}

testInBrowser("300 MiB are saved, byte for byte, in a tab that stays small", async (browser) => {
  await using node = await LinkNode.start();
  const path = `${node.folder}/large.bin`;
  {
    using file = Deno.openSync(path, { write: true, create: true });
    for (let at = 0; at < 300; at++) file.writeSync(bep52Content(MIB).map((byte) => byte ^ at));
    file.writeSync(bep52Content(4_321));
  }
  const { link } = await node.link([path]);
  await using visit = await Visit.start(browser);
  const { page } = visit;
  await page.goto(link);
  await visit.says("large.bin");
  const before = await tabMemory(browser);
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save large.bin" }).click();
  const download = await coming;
  await visit.says("every byte of it is right");
  const after = await tabMemory(browser);
  assertEquals(download.suggestedFilename(), "large.bin");
  assertEquals(await sha256(await download.path()), await sha256(path));
  const grownMiB = (after.most - before.now) / MIB;
  assert(grownMiB < 150, `the tab grew by ${grownMiB.toFixed(0)} MiB`);
  console.log(`the tab grew by ${grownMiB.toFixed(0)} MiB at most`);
});

testInBrowser("a file goes where the person says", async (browser) => {
  await using node = await LinkNode.start();
  const content = bep52Content(3 * MIB + 5);
  const { link } = await node.link([node.write("chosen.bin", content)]);
  await using visit = await Visit.start(browser);
  const { page } = visit;
  await page.addInitScript(`globalThis.showSaveFilePicker = async ({ suggestedName }) => {
    const root = await navigator.storage.getDirectory();
    return await root.getFileHandle(suggestedName, { create: true });
  }`);
  await page.goto(link);
  await page.getByRole("button", { name: "Save chosen.bin" }).click();
  await visit.says("Saved, and every byte of it is right");
  const bytes = await page.evaluate(`(async () => {
    const root = await navigator.storage.getDirectory();
    const file = await (await root.getFileHandle("chosen.bin")).getFile();
    const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return [...new Uint8Array(hash)];
  })()`) as number[];
  const expected = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  assertEquals(new Uint8Array(bytes), expected);
});

testInBrowser("a folder is saved as a zip file, and not if a byte is changed", async (browser) => {
  await using node = await LinkNode.start();
  const content = bep52Content(2 * MIB + 5);
  const { link } = await node.link([node.makeFolder("notes", content)], { count: 2 });
  await using visit = await Visit.start(browser);
  const { page } = visit;
  let isChanging = true;
  await page.route("**/data", async (route) => {
    const answer = await route.fetch();
    const body = await answer.body();
    // Of the content, not of the list.
    if (isChanging && body.length > MIB) body[body.length - 20]! ^= 1;
    await route.fulfill({ response: answer, body });
  });
  await page.goto(link);
  await visit.says("saved as one zip file; in it: 4");
  await page.getByRole("button", { name: "Save notes.zip" }).click();
  await visit.says("Nothing of it was kept");
  assertEquals(await visit.kept(), 0);
  isChanging = false;
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save notes.zip" }).click();
  const download = await coming;
  assertEquals(download.suggestedFilename(), "notes.zip");
  const saved = readZip(await Deno.readFile(await download.path()));
  const names = ["deep/er/large.bin", "empty/", "small.txt", "zero"].map((name) => `notes/${name}`);
  assertEquals(Object.keys(saved), names);
  assertEquals(saved["notes/deep/er/large.bin"], content);
  assertEquals(new TextDecoder().decode(saved["notes/small.txt"]), "abc");
});

for (const part of ["layer", "data"] as const) {
  testInBrowser(
    `a changed byte of the ${part} is noticed, and nothing is kept`,
    async (browser) => {
      await using node = await LinkNode.start();
      const { link } = await node.link([node.write("a.bin", bep52Content(2 * MIB + 5))]);
      await using visit = await Visit.start(browser);
      const { page } = visit;
      let isChanging = true;
      await page.route(`**/${part}`, async (route) => {
        const answer = await route.fetch();
        const body = await answer.body();
        if (isChanging) body[body.length - 20]! ^= 1;
        await route.fulfill({ response: answer, body });
      });
      await page.goto(link);
      await page.getByRole("button", { name: "Save a.bin" }).click();
      await visit.says("Nothing of it was kept");
      assertEquals(await visit.kept(), 0);
      isChanging = false;
      const coming = page.waitForEvent("download");
      await page.getByRole("button", { name: "Save a.bin" }).click();
      const saved = await Deno.readFile(await (await coming).path());
      assertEquals(saved, bep52Content(2 * MIB + 5));
    },
  );
}

testInBrowser("a file that changed at the node is not given any more", async (browser) => {
  await using node = await LinkNode.start();
  const path = node.write("a.bin", bep52Content(2 * MIB));
  const { link } = await node.link([path]);
  Deno.writeFileSync(path, bep52Content(2 * MIB).with(MIB + 3, 0));
  await using visit = await Visit.start(browser);
  await visit.page.goto(link);
  await visit.page.getByRole("button", { name: "Save a.bin" }).click();
  await visit.says("have changed since it was made");
  assertEquals(await visit.kept(), 0);
});

testInBrowser(
  "a link that is over says why, and one that is wrong says nothing",
  async (browser) => {
    await using node = await LinkNode.start();
    const paths = [node.write("a.txt", bep52Content(9))];
    const expired = await node.link(paths, { expires_at: Date.now() + DAY_MS });
    const used = await node.link(paths, { count: 1 });
    const revoked = await node.link(paths);
    await node.unshare(revoked.id);
    await using visit = await Visit.start(browser);
    const { page } = visit;
    await page.goto(used.link);
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save a.txt" }).click();
    assertEquals(await Deno.readFile(await (await coming).path()), bep52Content(9));
    node.clock.wallMs = 2 * DAY_MS;
    const wrong = revoked.link.slice(0, -2) + (revoked.link.endsWith("AA") ? "QA" : "AA");
    for (
      const [link, text] of [
        [expired.link, "has expired"],
        [used.link, "as often as it may be"],
        [revoked.link, "was taken back"],
        [wrong, "There is nothing at this link"],
        [wrong.split("#")[0]!, "The link is not complete"],
      ] as const
    ) {
      await page.goto("about:blank");
      await page.goto(link);
      await visit.says(text);
      assertEquals(await page.getByRole("button", { name: "Save" }).count(), 0);
      assert(!page.url().includes("#"));
    }
  },
);

testInBrowser(
  "a password opens a link, a wrong one does not; in French on a phone",
  async (browser) => {
    await using node = await LinkNode.start();
    const name = `${"long".repeat(20)}\u202Egpj.exe`;
    const paths = [node.write(name, bep52Content(9))];
    const { link } = await node.link(paths, {
      password: "naïve\u00a0fish",
      note: "<b>Bonjour</b>\nÀ bientôt",
    });
    await using visit = await Visit.start(browser, {
      locale: "fr-CA",
      viewport: { width: 360, height: 740 },
    });
    const { page } = visit;
    await page.goto(link);
    await visit.says("protégé par un mot de passe");
    assertEquals(await page.evaluate("document.documentElement.lang"), "fr");
    await page.getByLabel("Mot de passe").fill("naive");
    await page.getByRole("button", { name: "Ouvrir" }).click();
    await visit.says("Ce n’est pas le mot de passe");
    // Typed in two characters where it was one, and with another blank.
    await page.getByLabel("Mot de passe").fill("nai\u0308ve fish");
    await page.keyboard.press("Enter");
    await visit.says("<b>Bonjour</b>");
    assertStringIncludes(await page.locator(".name").innerText(), "long\uFFFDgpj.exe");
    assertEquals(await page.evaluate("document.documentElement.scrollWidth"), 360);
    await page.getByRole("button", { name: "English" }).click();
    await visit.says("Files for you");
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name: /^Save long/ }).click();
    assertEquals(await Deno.readFile(await (await coming).path()), bep52Content(9));
  },
);
