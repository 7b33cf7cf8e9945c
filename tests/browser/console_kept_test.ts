import { assertEquals } from "@std/assert";
import { EN as WORDS } from "../../modules/console/page/words/en.ts";
import type { NewInvitationView } from "../../protocol/invitation_api.ts";
import type { NewPhraseView } from "../../protocol/recovery_phrase_api.ts";
import type { NewSuccessionView } from "../../protocol/succession_api.ts";
import { until } from "../world/until.ts";
import { testInBrowser } from "./chromium.ts";
import { ConsolePair, show } from "./console_site.ts";
import { Visit } from "./visit.ts";

const answersOf = ({ words, asked }: NewPhraseView) => asked.map((place) => words[place - 1]);

testInBrowser(
  "a file that was sent stays in the conversation, also through a succession",
  async (browser) => {
    await using pair = await ConsolePair.start();
    const phrase = await pair.alice.ask<NewPhraseView>("POST", "/recovery-phrase", {});
    await pair.alice.ask("POST", "/recovery-phrase/keep", { words: answersOf(phrase) });
    const { alice, bob } = await pair.connect();
    await using visit = await Visit.start(browser);
    const { page } = visit;
    page.setDefaultTimeout(60_000);
    await alice.share({ peer: bob.id, paths: [alice.write("lake.bin", new Uint8Array(5_000))] });
    const { id } = await bob.offered();
    await bob.accept(id);
    await bob.reaches(id, "done");
    await alice.signIn(page);
    const sent = page.locator(".tray .file-row", { hasText: "lake.bin" });
    await show(page, alice, `chats/${bob.id}`);
    await sent.getByText(WORDS["answer.fetched"]).waitFor();
    const next = await alice.ask<NewSuccessionView>("POST", "/succession", {
      phrase: phrase.words.join(" "),
    });
    const former = alice.id;
    await alice.ask("POST", "/succession/make", {
      phrase: phrase.words.join(" "),
      words: answersOf(next),
      passphrase: null,
    });
    await until(() => alice.reopened !== null, "the node begins anew");
    await alice.reopened;
    assertEquals(alice.id === former, false);
    await alice.signIn(page);
    await show(page, alice, `chats/${bob.id}`);
    await sent.getByText(WORDS["answer.fetched"]).waitFor();
  },
);

testInBrowser(
  "what has arrived stands below what is on its way, and its list can be cleared",
  async (browser) => {
    await using pair = await ConsolePair.start();
    const { alice, bob } = await pair.connect();
    await using visit = await Visit.start(browser);
    const { page } = visit;
    page.setDefaultTimeout(60_000);
    await alice.share({ peer: bob.id, paths: [alice.write("lake.bin", new Uint8Array(5_000))] });
    const { id } = await bob.offered();
    await bob.accept(id);
    await bob.reaches(id, "done");
    await bob.signIn(page);
    await show(page, bob, "files");
    const card = (title: string) =>
      page.locator("section.card", {
        has: page.getByRole("heading", { name: title, exact: true }),
      });
    await card(WORDS["files.over"]).getByText("lake.bin").waitFor();
    await card(WORDS["files.transfers"]).getByText(WORDS["files.no_transfers"]).waitFor();
    await page.getByRole("button", { name: WORDS["files.clear"] }).click();
    await card(WORDS["files.over"]).waitFor({ state: "detached" });
    assertEquals(Deno.statSync(`${bob.folder}/lake.bin`).size, 5_000);
  },
);

testInBrowser(
  "an invitation that waits is seen among the people, until somebody has used it",
  async (browser) => {
    await using pair = await ConsolePair.start();
    const { alice, bob } = pair;
    await using visit = await Visit.start(browser);
    const { page } = visit;
    page.setDefaultTimeout(60_000);
    const { link } = await alice.ask<NewInvitationView>("POST", "/invitations", { name: "carol" });
    await alice.signIn(page);
    await show(page, alice, "people");
    await page.getByText(WORDS["people.nobody_came"]).waitFor();
    const open = page.locator("section.card", {
      has: page.getByRole("heading", { name: WORDS["invite.open"] }),
    });
    await open.getByText("carol").waitFor();
    await bob.ask("POST", "/connect", { peer: link, wait_ms: 20_000 });
    await open.waitFor({ state: "detached" });
    await page.locator("a.list-row", { hasText: "carol" }).getByText(WORDS["state.here"]).waitFor();
  },
);

testInBrowser("before a succession the page names whom it may pass by", async (browser) => {
  await using pair = await ConsolePair.start();
  const phrase = await pair.alice.ask<NewPhraseView>("POST", "/recovery-phrase", {});
  await pair.alice.ask("POST", "/recovery-phrase/keep", { words: answersOf(phrase) });
  const { alice, bob } = await pair.connect();
  await using visit = await Visit.start(browser);
  const { page } = visit;
  page.setDefaultTimeout(60_000);
  await alice.signIn(page);
  await show(page, alice, "security");
  await page.getByRole("button", { name: WORDS["succession.open"] }).click();
  const absent = page.locator("dialog .banner", { hasText: "Bob" });
  await page.getByText(WORDS["succession.spent"]).waitFor();
  assertEquals(await absent.count(), 0);
  await bob.stop();
  await absent.waitFor();
});
