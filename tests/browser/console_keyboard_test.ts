import { assertEquals } from "@std/assert";
import type { Locator, Page } from "playwright-core";
import { until } from "../world/until.ts";
import { testInBrowser } from "./chromium.ts";
import { ConsolePair } from "./console_site.ts";
import { Visit } from "./visit.ts";

const MOST_PRESSES = 80;
const SECRET = "four words and more";

/** What has the focus, why somebody could not see that, and whether it is what a key is to be pressed on. */
const FOCUSED = `(() => {
  const one = document.activeElement;
  const framed = one.matches(".composer textarea") ? one.closest(".composer-row") : one;
  const { outlineStyle, outlineWidth, borderColor } = getComputedStyle(framed);
  const resting = getComputedStyle(document.documentElement).getPropertyValue("--line");
  const hasRing = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  const { left, top, width, height } = one.getBoundingClientRect();
  const x = Math.min(Math.max(left + width / 2, 0), innerWidth - 1);
  const seen = document.elementFromPoint(x, Math.min(Math.max(top + 2, 0), innerHeight - 1));
  const isSeen = seen !== null && (one.contains(seen) || seen.contains(one));
  const isAbove = top + height <= 0 || top >= innerHeight || left + width <= 0 || left >= innerWidth;
  // The heading of a page is where one begins, and no place to press a key.
  if (one === document.body || one.matches("h1")) return null;
  return (hasRing || framed !== one && borderColor !== resting) && isSeen && !isAbove
    ? null
    : one.outerHTML.slice(0, 160);
})()`;

/** Somebody who has nothing but a keyboard. */
class Keyboard {
  /** Where the focus could not be seen. */
  readonly unseen: string[] = [];
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Goes to something by the key that goes on, or back, from one thing to the next. */
  async reach(wanted: Locator, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
    await wanted.first().waitFor();
    const focused = wanted.and(this.#page.locator(":focus"));
    for (let presses = 0; presses < MOST_PRESSES; presses++) {
      await this.press(key);
      const unseen = await this.#page.evaluate(FOCUSED) as string | null;
      if (unseen !== null && !this.unseen.includes(unseen)) this.unseen.push(unseen);
      if (await focused.count() === 1) return;
    }
    throw new Error(`${key} does not lead to ${wanted}`);
  }

  async press(key: string): Promise<void> {
    await this.#page.keyboard.press(key);
  }

  async choose(wanted: Locator, key: "Enter" | "Space" = "Enter"): Promise<void> {
    await this.reach(wanted);
    await this.press(key);
  }

  async write(where: Locator, text: string): Promise<void> {
    await this.reach(where);
    await this.press("ControlOrMeta+a");
    await this.#page.keyboard.insertText(text);
  }
}

testInBrowser(
  "the whole journey goes by keyboard alone, and shows where it is",
  async (browser) => {
    await using pair = await ConsolePair.start();
    const { alice, bob } = pair;
    await using visit = await Visit.start(browser, {
      viewport: { width: 1_280, height: 800 },
      reducedMotion: "reduce",
    });
    const { page } = visit;
    const keys = new Keyboard(page);
    const main = page.getByRole("main");
    const button = (name: string, within: Locator = main) =>
      within.getByRole("button", { name, exact: true });
    const isThere = () => main.locator("h1:focus").waitFor();
    const follow = async (name: string) => {
      await keys.choose(main.getByRole("link", { name, exact: true }));
      await isThere();
    };
    const goTo = async (name: RegExp) => {
      await keys.reach(page.locator("nav.rail").getByRole("link", { name }), "Shift+Tab");
      await keys.press("Enter");
    };
    const dialog = page.locator("dialog[open]");
    const isClosed = () => dialog.waitFor({ state: "detached" });

    await alice.signIn(page);
    await keys.press("Tab");
    assertEquals(await page.evaluate("document.activeElement.className"), "skip");
    await keys.press("Enter");
    await follow("Begin the guide");
    await keys.write(page.getByLabel("The name that others see"), "Alice Ålund");
    await keys.choose(button("Save"));
    await visit.says("others see it from now on");
    await follow("Next");
    await page.getByRole("heading", { name: "A passphrase for the keys" }).waitFor();
    await follow("Next");
    await keys.choose(button("Set a password"), "Space");
    await keys.write(dialog.getByLabel("Password"), SECRET);
    await keys.press("Enter");
    await isClosed();
    await follow("Next");
    await keys.choose(button("Show my recovery phrase"));
    // What a thief of the session would like has to be confirmed.
    await keys.write(dialog.getByLabel("Password"), SECRET);
    await keys.press("Enter");
    await isClosed();
    await page.locator(".phrase code").first().waitFor();
    await follow("Next");
    await page.getByRole("heading", { name: "How others find you" }).waitFor();
    await follow("Next");
    await keys.write(page.getByLabel("Whom it is for"), "Carol");
    await keys.reach(page.getByLabel("Valid for"));
    await keys.press("ArrowDown");
    await keys.choose(button("Make an invitation"));
    await page.getByText("openred:").first().waitFor();
    await keys.reach(button("Copy the link"));
    assertEquals((await alice.ask("GET", "/invitations")).invitations[0].name, "Carol");
    await follow("Done");
    await page.locator(".health").waitFor();

    await bob.admin.connect(alice.id, 20_000);
    const say = (text: string) =>
      bob.ask("POST", "/m/messaging/messages", { peer: alice.id, text, wait_ms: 0 });
    await say("Hello Alice");
    await goTo(/^People/);
    await keys.choose(button("Block"));
    await dialog.waitFor();
    await keys.press("Escape");
    await isClosed();
    assertEquals(await page.evaluate("document.activeElement.textContent"), "Block");
    await keys.reach(button("Accept"), "Shift+Tab");
    await keys.press("Enter");
    await until(
      async () => (await alice.ask("GET", "/requests")).requests.length === 0,
      "alice has accepted",
    );
    await bob.admin.decide("allow", { peer: alice.id, permission: "message" });

    await goTo(/^Chats/);
    await keys.choose(page.locator(".chat-list").getByRole("link", { name: "bob" }));
    await page.locator(".bubble", { hasText: "Hello Alice" }).waitFor();
    const writing = page.getByLabel("Write a message");
    await keys.write(writing, "Hello Bob");
    await keys.press("Enter");
    await page.locator(".bubble", { hasText: "Hello Bob" }).waitFor();
    const theirs = page.locator(".message.theirs .message-more");
    await keys.reach(theirs, "Shift+Tab");
    await keys.press("Enter");
    await keys.choose(button("Reply", dialog));
    await isClosed();
    await page.locator(".composer-banner").waitFor();
    await page.keyboard.insertText("So am I");
    await keys.press("Enter");
    await page.locator(".bubble", { hasText: "So am I" }).locator(".quoted").waitFor();

    bob.write("lake.txt", new TextEncoder().encode("water"));
    await bob.share({ peer: alice.id, paths: [`${bob.folder}/lake.txt`] });
    await keys.choose(button("Accept"));
    await page.locator(".tray .badge", { hasText: "Done" }).waitFor();

    await goTo(/^Settings/);
    await keys.choose(button("Dark"), "Space");
    assertEquals(await page.evaluate("document.documentElement.dataset.theme"), "dark");
    await goTo(/^Security/);
    await keys.choose(button("Sign out"));
    await keys.write(page.getByLabel("Password"), SECRET);
    await keys.press("Enter");
    await page.getByRole("heading", { name: "Security" }).waitFor();
    assertEquals(keys.unseen, []);
  },
);
