import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { FR as WORDS } from "../../modules/console/page/words/fr.ts";
import { testInBrowser } from "./chromium.ts";
import { type ConsoleNode, ConsolePair, show } from "./console_site.ts";
import { Visit } from "./visit.ts";

/** Has the node's status hold what a node in trouble says. */
async function trouble(page: Page, node: ConsoleNode): Promise<void> {
  await page.route("**/admin/v1/status", async (route) => {
    const status = await node.status();
    const relay = {
      url: "https://relay.example",
      named_by: null,
      relay_id: null,
      state: "trying",
      last_error: "full",
    };
    const directories = status.directories.map((one) => ({
      ...one,
      state: "trying",
      last_error: "unreachable",
      last_reason: "port_closed",
    }));
    const warned = [{ topic: "relay", text: "Relay https://relay.example: it takes no more" }];
    await route.fulfill({ json: { ...status, relay, directories, warned } });
  });
}

testInBrowser(
  "what the node says by code and in English is French in the French page",
  async (browser) => {
    await using pair = await ConsolePair.start();
    const { alice, bob } = await pair.connect();
    await using visit = await Visit.start(browser, { locale: "fr-FR" });
    const { page } = visit;
    await alice.signIn(page);
    await trouble(page, alice);
    await show(page, alice, "network");
    await visit.says(WORDS["relay.error_full"]);
    await visit.says(`${WORDS["error.unreachable"]} ${WORDS["reason.port_closed"]}`);
    await show(page, alice, "start");
    await visit.says(WORDS["warning.relay"]);
    const english = page.getByText("it takes no more");
    assertEquals(await english.isVisible(), false);
    await page.getByText(WORDS["app.node_words"]).click();
    assert(await english.isVisible());
    await show(page, alice, `people/${bob.id}`);
    await page.route(
      "**/admin/v1/peers/alias",
      (route) =>
        route.fulfill({ status: 400, json: { code: "url_refused", detail: "An English text" } }),
    );
    await page.getByRole("button", { name: WORDS["person.rename"] }).first().click();
    await page.locator("dialog[open]").getByRole("button", { name: WORDS["app.save"] }).click();
    await visit.says(WORDS["error.url_refused"]);
  },
);

testInBrowser(
  "a one-time link that signs in closes the window that asked for a factor",
  async (browser) => {
    await using pair = await ConsolePair.start();
    const { alice, bob } = await pair.connect();
    await using visit = await Visit.start(browser, { locale: "fr-FR" });
    const { page } = visit;
    await alice.signIn(page);
    await show(page, alice, `people/${bob.id}`);
    await page.route(
      "**/admin/v1/peers/alias",
      (route) =>
        route.fulfill({
          status: 403,
          json: { code: "step_up_required", action: "POST /admin/v1/peers/alias" },
        }),
    );
    await page.getByRole("button", { name: WORDS["person.rename"] }).first().click();
    await page.locator("dialog[open]").getByRole("button", { name: WORDS["app.save"] }).click();
    const asked = page.getByRole("heading", { name: WORDS["step_up.title"] });
    await asked.waitFor();
    const { hash } = new URL(await alice.link());
    await page.evaluate((hash: string) => void (location.hash = hash), hash);
    await asked.waitFor({ state: "detached", timeout: 20_000 });
    assertEquals(new URL(page.url()).hash, `#/people/${bob.id}`);
  },
);
