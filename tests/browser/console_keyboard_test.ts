import { assertEquals } from "@std/assert";
import type { Locator, Page } from "playwright-core";
import { EN } from "../../modules/console/page/words/en.ts";
import { FR } from "../../modules/console/page/words/fr.ts";
import { until } from "../world/until.ts";
import { testInBrowser } from "./chromium.ts";
import { ConsolePair } from "./console_site.ts";
import { Visit } from "./visit.ts";

const MOST_PRESSES = 80;
const WORDS = { en: EN, fr: FR } as const;
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

for (const language of ["en", "fr"] as const) {
  testInBrowser(
    `the whole journey goes by keyboard alone, and shows where it is: ${language}`,
    async (browser) => {
      const words = WORDS[language];
      await using pair = await ConsolePair.start();
      const { alice, bob } = pair;
      await using visit = await Visit.start(browser, {
        locale: language === "fr" ? "fr-FR" : "en-GB",
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
      const goTo = async (page: "chats" | "people" | "security" | "settings") => {
        const name = new RegExp(`^${words[`nav.${page}`]}`);
        await keys.reach(rail.getByRole("link", { name }), "Shift+Tab");
        await keys.press("Enter");
      };
      const rail = page.locator("nav.rail");
      const dialog = page.locator("dialog[open]");
      const isClosed = () => dialog.waitFor({ state: "detached" });

      await alice.signIn(page);
      await keys.press("Tab");
      assertEquals(await page.evaluate("document.activeElement.className"), "skip");
      await keys.press("Enter");
      await follow(words["steps.begin"]);
      await keys.write(page.getByLabel(words["setting.name"]), "Alice Ålund");
      await keys.choose(button(words["app.save"]));
      await visit.says(words["setting.name_saved"]);
      await follow(words["guide.next"]);
      await page.getByRole("heading", { name: words["guide.passphrase"] }).waitFor();
      await follow(words["guide.next"]);
      await keys.choose(button(words["security.add_password"]), "Space");
      await keys.write(dialog.getByLabel(words["factor.password"]), SECRET);
      await keys.press("Enter");
      await isClosed();
      await follow(words["guide.next"]);
      await keys.choose(button(words["phrase.make"]));
      // What a thief of the session would like has to be confirmed.
      await keys.write(dialog.getByLabel(words["factor.password"]), SECRET);
      await keys.press("Enter");
      await isClosed();
      await page.locator(".phrase code").first().waitFor();
      await follow(words["guide.next"]);
      await page.getByRole("heading", { name: words["guide.found"] }).waitFor();
      await follow(words["guide.next"]);
      await keys.write(page.getByLabel(words["invite.name"]), "Carol");
      await keys.reach(page.getByLabel(words["invite.life"]));
      await keys.press("ArrowDown");
      await keys.choose(button(words["invite.make"]));
      await page.getByText("openred:").first().waitFor();
      await keys.reach(button(words["connect.copy_link"]));
      assertEquals((await alice.ask("GET", "/invitations")).invitations[0].name, "Carol");
      await alice.ask("POST", "/invitations", { name: "Dan" });
      await follow(words["guide.end"]);
      await page.locator(".health").waitFor();

      await bob.admin.connect(alice.id, 20_000);
      const say = (text: string) =>
        bob.ask("POST", "/m/messaging/messages", { peer: alice.id, text, wait_ms: 0 });
      await say("Hello Alice");
      await goTo("people");
      await keys.choose(button(words["person.block"]));
      await dialog.waitFor();
      await keys.press("Escape");
      await isClosed();
      await main.locator("button:focus", { hasText: words["person.block"] }).waitFor();
      await keys.reach(button(words["requests.accept"]), "Shift+Tab");
      await keys.press("Enter");
      await until(
        async () => (await alice.ask("GET", "/requests")).requests.length === 0,
        "alice has accepted",
      );
      // What was pressed is gone, and nothing else of its kind is there.
      await isThere();
      await bob.admin.decide("allow", { peer: alice.id, permission: "message" });

      await goTo("chats");
      await keys.choose(page.locator(".chat-list").getByRole("link", { name: "bob" }));
      await page.locator(".bubble", { hasText: "Hello Alice" }).waitFor();
      const writing = page.getByLabel(words["chat.write"]);
      await keys.write(writing, "Hello Bob");
      await keys.press("Enter");
      await page.locator(".bubble", { hasText: "Hello Bob" }).waitFor();
      const theirs = page.locator(".message.theirs .message-more");
      await keys.reach(theirs, "Shift+Tab");
      await keys.press("Enter");
      await keys.choose(button(words["chat.reply"], dialog));
      await isClosed();
      await page.locator(".composer-banner").waitFor();
      await page.keyboard.insertText("So am I");
      await keys.press("Enter");
      await page.locator(".bubble", { hasText: "So am I" }).locator(".quoted").waitFor();

      bob.write("lake.txt", new TextEncoder().encode("water"));
      await bob.share({ peer: alice.id, paths: [`${bob.folder}/lake.txt`] });
      await keys.choose(button(words["files.accept"]));
      await page.locator(".tray .badge", { hasText: words["transfer.done"] }).waitFor();

      await page.goto(`${alice.origin}/console/#/people/invite`);
      await isThere();
      const revoke = button(words["invite.revoke"]);
      await keys.choose(revoke.first());
      await until(async () => await revoke.count() === 1, "one is revoked");
      assertEquals(await revoke.and(page.locator(":focus")).count(), 1);
      await goTo("settings");
      await keys.choose(button(words["settings.theme_dark"]), "Space");
      assertEquals(await page.evaluate("document.documentElement.dataset.theme"), "dark");
      await goTo("security");
      await keys.choose(button(words["security.sign_out"]));
      await keys.write(page.getByLabel(words["factor.password"]), SECRET);
      await keys.press("Enter");
      await page.getByRole("heading", { name: words["nav.security"] }).waitFor();
      assertEquals(keys.unseen, []);
    },
  );
}
