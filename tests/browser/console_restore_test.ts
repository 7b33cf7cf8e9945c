import { assert, assertEquals } from "@std/assert";
import type { Locator, Page } from "playwright-core";
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { EN } from "../../modules/console/page/words/en.ts";
import { FR } from "../../modules/console/page/words/fr.ts";
import type { PassphraseView } from "../../protocol/settings_api.ts";
import { PASSPHRASE } from "../peer/backup/backups.ts";
import { until } from "../world/until.ts";
import { testInBrowser } from "./chromium.ts";
import { ConsoleNode, ConsolePair } from "./console_site.ts";
import { Visit } from "./visit.ts";

type Words = typeof EN;

/** Brings a file to the window and goes on to what its passphrase opens. */
async function choose(window: Locator, words: Words, file: string): Promise<void> {
  await window.locator("input[type=file]").setInputFiles(file);
  await window.getByRole("button", { name: words["restore.next"], exact: true }).click();
}

/** A backup of a node, as its page makes it. */
async function backUp(page: Page, node: ConsoleNode): Promise<string> {
  await node.signIn(page);
  await page.goto(`${node.origin}/console/#/security`);
  await page.getByRole("button", { name: EN["backup.make"], exact: true }).click();
  const window = page.locator("dialog[open]");
  await window.getByLabel(EN["backup.passphrase"], { exact: true }).fill(PASSPHRASE);
  await window.getByLabel(EN["backup.again"]).fill(PASSPHRASE);
  const downloading = page.waitForEvent("download");
  await window.getByRole("button", { name: EN["backup.make"], exact: true }).click();
  return await (await downloading).path();
}

testInBrowser(
  "somebody whose computer is lost has their node back on a new one, from the guide of its page",
  async (browser) => {
    await using pair = await ConsolePair.start();
    const { alice, bob, directory } = await pair.connect();
    const { id } = alice;
    await using former = await Visit.start(browser);
    const backup = await backUp(former.page, alice);
    await former.page.goto("about:blank");
    await alice.stop();

    await using carol = new ConsoleNode();
    await carol.begin(directory.url, "new computer");
    const words = FR as Words;
    await using visit = await Visit.start(browser, {
      locale: "fr-FR",
      viewport: { width: 360, height: 800 },
    });
    const { page } = visit;
    await carol.signIn(page);
    await page.goto(`${carol.origin}/console/#/guide`);
    await page.getByRole("button", { name: words["restore.open"], exact: true }).click();
    const window = page.locator("dialog[open]");
    const other = `${carol.folder}/holiday.jpg`;
    Deno.writeFileSync(other, new Uint8Array(100_000).fill(7));
    await choose(window, words, other);
    await window.getByRole("alert").getByText(words["restore.no_backup"]).waitFor();
    await choose(window, words, backup);
    const passphrase = window.getByLabel(words["restore.passphrase"], { exact: true });
    await passphrase.fill(PASSPHRASE);
    await carol.ask("POST", "/restoration/cancel", {});
    await window.getByRole("button", { name: words["restore.next"], exact: true }).click();
    await page.getByText(words["restore.over"], { exact: true }).waitFor({ timeout: 20_000 });
    await choose(window, words, backup);
    await passphrase.fill("another one");
    await window.getByRole("button", { name: words["restore.next"], exact: true }).click();
    await window.getByRole("alert").getByText(words["restore.wrong"]).waitFor();
    await passphrase.fill(PASSPHRASE);
    await window.getByRole("button", { name: words["restore.next"], exact: true }).click();
    await window.getByText(id).waitFor();
    assert((await window.innerText()).includes(words["restore.contacts_one"]));
    assertEquals(carol.reopened, null);
    await window.getByRole("button", { name: words["restore.make"], exact: true }).click();
    await page.getByRole("heading", { name: words["becoming.done_restore"] }).waitFor();
    await page.getByText(/^replaced-\d{8}T\d{6}Z\.$/).waitFor();
    await page.getByRole("button", { name: words["succession.go_on"], exact: true }).click();
    await page.locator("main h1", { hasText: words["start.hello"] }).waitFor();
    await carol.reopened;
    assertEquals(carol.id, id);

    await bob.ask("POST", "/m/messaging/messages", { peer: id, text: "are you back?" });
    await page.goto(`${carol.origin}/console/#/chats/${bob.id}`);
    await page.locator("main").getByText("are you back?").first().waitFor();
    await until(
      async () => (await bob.status()).peers.some((one) => one.node_id === id),
      "the friend knows the node by the same id",
    );
    assertEquals(page.url().includes(PASSPHRASE), false);
    await page.goto(`${carol.origin}/console/#/guide`);
    await page.getByRole("button", { name: words["restore.open"], exact: true }).click();
    await choose(window, words, backup);
    await passphrase.fill(PASSPHRASE);
    await window.getByRole("button", { name: words["restore.next"], exact: true }).click();
    await window.getByText(words["restore.in_use"]).waitFor({ timeout: 20_000 });
  },
);

testInBrowser(
  "a node in use goes back to a backup once its passphrase and the word are typed",
  async (browser) => {
    await using pair = await ConsolePair.start();
    const { alice } = pair;
    const { id } = alice;
    await using visit = await Visit.start(browser);
    const { page } = visit;
    const backup = await backUp(page, alice);
    const own = "the passphrase of now";
    await alice.ask("POST", "/passphrase", {
      passphrase: encodeBase64Url(encodeUtf8(own)),
      current: null,
    });
    await page.reload();
    await page.getByRole("button", { name: EN["restore.open"], exact: true }).click();
    const window = page.locator("dialog[open]");
    await choose(window, EN, backup);
    await window.getByLabel(EN["restore.passphrase"], { exact: true }).fill(PASSPHRASE);
    await window.getByRole("button", { name: EN["restore.next"], exact: true }).click();
    await window.getByText(EN["restore.since"]).waitFor();
    await window.getByText(EN["restore.in_use"]).waitFor();
    const word = EN["restore.word"];
    const typed = window.getByLabel(EN["restore.type"].replace("{word}", word));
    const current = window.getByLabel(EN["restore.current"], { exact: true });
    const make = window.getByRole("button", { name: EN["restore.make"], exact: true });
    await current.fill(own);
    await typed.fill("yes");
    await make.click();
    await window.getByRole("alert").getByText(EN["restore.not_word"].replace("{word}", word))
      .waitFor();
    await typed.fill(word);
    await current.fill("another passphrase");
    await make.click();
    await window.getByRole("alert").getByText(EN["restore.current_wrong"]).waitFor();
    assertEquals(alice.reopened, null);
    await current.fill(own);
    await make.click();
    await page.getByRole("heading", { name: EN["becoming.done_restore"] }).waitFor();
    await alice.reopened;
    assertEquals(alice.id, id);
    const { is_set: isSet } = await alice.ask<PassphraseView>("GET", "/passphrase");
    assertEquals(isSet, false, "as it was when the backup was made");
  },
);
