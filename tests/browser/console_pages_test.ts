import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import { EN as WORDS } from "../../modules/console/page/words/en.ts";
import type { AuditView } from "../../protocol/audit_api.ts";
import type { ModulesView } from "../../protocol/module_api.ts";
import type { NewPhraseView } from "../../protocol/recovery_phrase_api.ts";
import type { TokensView } from "../../protocol/token_api.ts";
import { loadFile } from "../modules/files/two_nodes.ts";
import { PASSPHRASE, restore } from "../peer/backup/backups.ts";
import { LifeNode } from "../peer/data/life_world.ts";
import { fileOf } from "../peer/modules/files/file_world.ts";
import type { TestManifest } from "../world/test_module.ts";
import { mistyped } from "../world/mistyped_phrase.ts";
import { until } from "../world/until.ts";
import { testInBrowser } from "./chromium.ts";
import { type ConsoleNode, ConsolePair, show } from "./console_site.ts";
import { Visit } from "./visit.ts";

/** Presses a button of the page, or of the window above it. */
async function press(page: Page, name: string, within = "main"): Promise<void> {
  await page.locator(within).getByRole("button", { name, exact: true }).first().click();
}

testInBrowser("what the pages show and change is what the node has", async (browser) => {
  await using pair = await ConsolePair.start();
  const phrase = await makePhrase(pair.alice);
  const { alice, bob } = await pair.connect();
  await using visit = await Visit.start(browser);
  const { page } = visit;
  await alice.signIn(page);
  await seesFigures(page, alice, bob);
  await comparesSafetyNumbers(page, alice, bob);
  await readsWhatFailedAboveAWindow(page);
  await opensNoLink(page, alice);
  await filtersTheAuditLog(page, alice, bob);
  await switchesAModule(page, alice);
  await restoresTheBackup(page, alice);
  await pausesATransfer(page, pair);
  await becomesANewIdentity(page, { alice, bob, phrase });
});

/** The map, the clock and the traffic, and the same as tables. */
async function seesFigures(page: Page, alice: ConsoleNode, bob: ConsoleNode): Promise<void> {
  await show(page, alice, "network");
  const [session] = (await alice.status()).sessions;
  const map = page.getByRole("region", { name: WORDS["network.map"] });
  const traffic = page.getByRole("region", { name: WORDS["network.traffic"] });
  for (const summary of await page.locator("main summary").all()) await summary.click();
  assertEquals(await map.locator("tbody tr > *").allInnerTexts(), [
    "B\nBob",
    WORDS["network.post_quantum"],
    session!.method,
    String(session!.epoch),
  ]);
  const { tokens } = await alice.ask<TokensView>("GET", "/tokens");
  const usable = tokens.filter(({ state }) => state === "unused" || state === "taken");
  assert(usable.length > 0);
  assertEquals(await page.locator(".clock .figure").textContent(), String(usable.length));
  assertStringIncludes(
    (await page.locator(".clock").getAttribute("aria-label"))!,
    String(usable.length),
  );
  const listed = page.getByRole("region", { name: WORDS["network.tokens"] }).locator("tbody code");
  assertEquals(
    (await listed.allTextContents()).sort(),
    tokens.filter(({ state }) => state !== "ended" && state !== "spent")
      .map(({ pair_id: id }) => id.slice(0, 8)).sort(),
  );
  await alice.ask("POST", "/m/messaging/messages", { peer: bob.id, text: "Hi", wait_ms: 20_000 });
  const passed = async () =>
    (await traffic.locator("tbody tr td:nth-child(2)").allTextContents())
      .reduce((sum, text) => sum + Number(text), 0);
  await until(async () => await passed() > 0, "the table of traffic has what passed");
}

async function comparesSafetyNumbers(
  page: Page,
  alice: ConsoleNode,
  bob: ConsoleNode,
): Promise<void> {
  const seen = async (at: Page, node: ConsoleNode, peer: ConsoleNode) => {
    await show(at, node, `people/${peer.id}`);
    const picture = await at.locator("svg.safety").innerHTML();
    return [...await at.locator(".safety-words li").allTextContents(), picture];
  };
  const theirs = await page.context().newPage();
  await bob.signIn(theirs);
  const [own, other] = [await seen(page, alice, bob), await seen(theirs, bob, alice)];
  await theirs.close();
  assertEquals(own.length, 9);
  assertEquals(own, other);
}

/** It lies above the window that it happened in, and can be closed there. */
async function readsWhatFailedAboveAWindow(page: Page): Promise<void> {
  await page.route("**/admin/v1/peers/alias", (route) => route.fulfill({ status: 500 }));
  await press(page, WORDS["person.rename"]);
  await press(page, WORDS["app.save"], "dialog[open]");
  const close = page.locator(".notice").getByRole("button", { name: WORDS["app.close"] });
  await close.click();
  await close.waitFor({ state: "detached" });
  await page.unroute("**/admin/v1/peers/alias");
  await press(page, WORDS["app.cancel"], "dialog[open]");
}

async function opensNoLink(page: Page, alice: ConsoleNode): Promise<void> {
  await show(page, alice, "people/connect");
  await page.getByLabel(WORDS["connect.link"]).fill("nonsense");
  await press(page, WORDS["people.connect"]);
  await page.getByRole("alert").getByText(WORDS["connect.no_link"]).waitFor();
}

async function filtersTheAuditLog(
  page: Page,
  alice: ConsoleNode,
  bob: ConsoleNode,
): Promise<void> {
  await show(page, alice, "audit");
  const shown = page.getByRole("region", { name: WORDS["nav.audit"] })
    .locator("tbody td:first-child");
  const shows = async (query: string) => {
    const { entries } = await alice.ask<AuditView>("GET", `/audit?limit=200&${query}`);
    const wanted = entries.map(({ number }) => String(number)).reverse();
    await until(
      async () => JSON.stringify(await shown.allTextContents()) === JSON.stringify(wanted),
      `the entries of ${query} are shown`,
    );
    return wanted.length;
  };
  const all = await shows("");
  await page.getByLabel(WORDS["audit.event"]).selectOption("permission_changed");
  const changes = await shows("event=permission_changed");
  await page.getByLabel(WORDS["audit.person"]).selectOption(bob.id);
  assert(await shows(`event=permission_changed&peer=${bob.id}`) > 0);
  await page.getByLabel(WORDS["audit.event"]).selectOption("");
  const ofBob = await shows(`peer=${bob.id}`);
  assert(changes > 0 && changes < ofBob && ofBob < all);
  await page.getByLabel(WORDS["audit.only_failed"]).check();
  await shows(`peer=${bob.id}&failed=1`);
  await press(page, WORDS["audit.verify"]);
  const holds = /All (\d+) lines hold/;
  const said = await page.getByText(holds).textContent();
  assert(Number(holds.exec(said!)![1]) >= all);
}

async function switchesAModule(page: Page, alice: ConsoleNode): Promise<void> {
  const name = "lamp";
  const manifest: TestManifest = { name, grants: [{ kind: "peers", why: "To list them" }] };
  await loadFile(alice, fileOf(manifest), { grants: ["peers"] });
  const module = async () => {
    const { modules } = await alice.ask<ModulesView>("GET", "/modules");
    return modules.find((one) => one.name === name)!;
  };
  assertEquals([(await module()).state, (await module()).grants], ["running", ["peers"]]);
  await show(page, alice, "modules");
  const card = page.locator(".card", { hasText: name });
  await card.getByRole("button", { name: WORDS["modules.turn_off"] }).click();
  await page.locator("dialog[open] h2", { hasText: name }).waitFor();
  await press(page, WORDS["modules.turn_off"], "dialog[open]");
  await card.locator(".badge", { hasText: WORDS["modules.stopped"] }).waitFor();
  assertEquals((await module()).state, "stopped");
  await card.getByRole("button", { name: WORDS["modules.turn_on"] }).click();
  await card.locator(".badge", { hasText: WORDS["modules.running"] }).waitFor();
  await card.locator("summary").click();
  await card.getByRole("button", { name: WORDS["modules.revoke"] }).click();
  await card.getByText(WORDS["modules.no_grants"]).waitFor();
  assertEquals((await module()).grants, []);
}

async function restoresTheBackup(page: Page, alice: ConsoleNode): Promise<void> {
  await show(page, alice, "security");
  await press(page, WORDS["backup.make"]);
  const window = page.locator("dialog[open]");
  await window.getByLabel(WORDS["backup.passphrase"], { exact: true }).fill(PASSPHRASE);
  await window.getByLabel(WORDS["backup.again"]).fill(PASSPHRASE);
  const downloading = page.waitForEvent("download");
  await press(page, WORDS["backup.make"], "dialog[open]");
  const download = await downloading;
  assert(/^openred-[\d-]+\.backup$/.test(download.suggestedFilename()));
  await using into = new LifeNode();
  assertEquals(await restore(into, Deno.readFileSync(await download.path())), alice.id);
}

/** Once the sender is back, it goes on when it is told to, and not before. */
async function pausesATransfer(page: Page, { alice, bob, directory }: ConsolePair): Promise<void> {
  const content = crypto.getRandomValues(new Uint8Array(50_000));
  await bob.share({ peer: alice.id, paths: [bob.write("lake.bin", content)] });
  const { id } = await alice.offered();
  await bob.stop();
  await show(page, alice, "files");
  await press(page, WORDS["files.accept"]);
  await press(page, WORDS["files.pause"]);
  await page.locator(".badge", { hasText: WORDS["transfer.paused"] }).waitFor();
  await alice.reaches(id, "paused");
  await bob.begin(directory.url, "bob");
  await alice.admin.connect(bob.id, 20_000);
  assertEquals((await alice.transfer(id)).state, "paused");
  await press(page, WORDS["files.resume"]);
  await page.locator(".badge", { hasText: WORDS["transfer.done"] }).waitFor();
  assertEquals(Deno.readFileSync(`${alice.folder}/OpenRed/lake.bin`), content);
}

/** A text of the page, with a number in its place. */
function fill(key: keyof typeof WORDS, value: number): string {
  return WORDS[key].replace(/\{\w+\}/, String(value));
}

/** Whoever meets her from then on knows what may follow her. */
async function makePhrase(node: ConsoleNode): Promise<readonly string[]> {
  const { words, asked } = await node.ask<NewPhraseView>("POST", "/recovery-phrase", {});
  const answer = asked.map((place) => words[place - 1]);
  await node.ask("POST", "/recovery-phrase/keep", { words: answer });
  return words;
}

/** By the recovery phrase alone, in the page, which stays signed in; friends follow. */
async function becomesANewIdentity(
  page: Page,
  { alice, bob, phrase: first }: {
    readonly alice: ConsoleNode;
    readonly bob: ConsoleNode;
    readonly phrase: readonly string[];
  },
): Promise<void> {
  const former = alice.id;
  const window = page.locator("dialog[open]");
  await show(page, alice, "security");
  await press(page, WORDS["succession.open"]);
  const field = window.getByLabel(WORDS["succession.phrase"]);
  for (
    const [typed, said] of [
      [first.slice(1), fill("succession.count", 23)],
      [first.with(4, "openred"), fill("succession.unknown_word", 5)],
      [mistyped(first), WORDS["succession.mistyped"]],
    ] as const
  ) {
    await field.fill(typed.join(" "));
    await press(page, WORDS["succession.next"], "dialog[open]");
    await window.getByRole("alert").getByText(said).waitFor();
  }
  await field.fill(first.map((word, at) => `${at + 1}. ${word}`).join("\n"));
  await press(page, WORDS["succession.next"], "dialog[open]");
  await window.locator(".phrase code").nth(23).waitFor();
  const second = await window.locator(".phrase code").allTextContents();
  await press(page, WORDS["phrase.written"], "dialog[open]");
  for (const [at, word] of second.entries()) {
    const asked = window.getByLabel(fill("phrase.word", at + 1), { exact: true });
    if (await asked.count() > 0) await asked.fill(word);
  }
  await press(page, WORDS["succession.make"], "dialog[open]");
  await press(page, WORDS["succession.go_on"]);
  await page.locator("main h1", { hasText: WORDS["nav.security"] }).waitFor();
  await alice.reopened;
  assert(alice.id !== former);
  await until(
    async () =>
      (await bob.status()).peers.some((one) => one.node_id === alice.id && one.petname === "Alice"),
    "the friend knows her by the new id",
  );
  assertEquals(page.url().includes(first[0]!), false);
}
