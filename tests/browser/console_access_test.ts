import { assertEquals } from "@std/assert";
import axe from "axe-core/axe.min.js" with { type: "text" };
import type { Page } from "playwright-core";
import { until } from "../world/until.ts";
import { testInBrowser } from "./chromium.ts";
import { type ConsoleNode, ConsolePair } from "./console_site.ts";
import { Visit } from "./visit.ts";

interface Finding {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

const PAGES = [
  "start",
  "guide/name",
  "guide/passphrase",
  "guide/entry",
  "guide/phrase",
  "guide/found",
  "guide/friend",
  "chats",
  "people",
  "people/connect",
  "people/invite",
  "files",
  "network",
  "audit",
  "modules",
  "security",
  "settings",
  "more",
] as const;

/** Opens each dialog of a page: which page, and the button that opens it, by language. */
const DIALOGS = [
  ["chats", { en: "New group", fr: "Nouveau groupe" }],
  ["files", { en: "Send files", fr: "Envoyer des fichiers" }],
  ["files", { en: "Make a link", fr: "Créer un lien" }],
  ["people/BOB", { en: "Rename", fr: "Renommer" }],
  ["people/BOB", { en: "Block", fr: "Bloquer" }],
  ["security", { en: "Make a backup", fr: "Faire une sauvegarde" }],
  ["security", { en: "Add a passkey", fr: "Ajouter une clé d’accès" }],
  ["security", { en: "Add an app", fr: "Ajouter une application" }],
  ["security", { en: "Set a password", fr: "Choisir un mot de passe" }],
  ["modules", { en: "Turn off", fr: "Éteindre" }],
] as const;

async function findings(page: Page): Promise<string[]> {
  const found = await page.evaluate(`(async () => {
    const { violations } = await axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations;
  })()`) as Finding[];
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`)
  );
}

/** Whether anything sticks out of the window. */
async function isTooWide(page: Page): Promise<boolean> {
  return await page.evaluate(
    "document.documentElement.scrollWidth > document.documentElement.clientWidth",
  ) as boolean;
}

async function show(page: Page, node: ConsoleNode, place: string): Promise<void> {
  await page.goto(`${node.origin}/console/#/${place}`);
  await page.locator("main h1:visible, main .chat-head:visible").first().waitFor();
  await until(async () => await page.locator("main .loading").count() === 0, "the page is there");
}

async function prepare(pair: ConsolePair): Promise<void> {
  const { alice, bob } = await pair.connect();
  const say = (from: ConsoleNode, to: ConsoleNode, text: string) =>
    from.ask("POST", "/m/messaging/messages", { peer: to.id, text, wait_ms: 20_000 });
  const sent = await say(alice, bob, "Look at https://example.org/lake");
  await say(bob, alice, "I will");
  await bob.ask("POST", "/m/messaging/react", { peer: alice.id, id: sent.id, reaction: "👍" });
  await alice.ask("POST", "/m/messaging/groups", { name: "Hikers", members: [bob.id] });
  bob.write("lake.txt", new TextEncoder().encode("water"));
  await bob.share({ peer: alice.id, paths: [`${bob.folder}/lake.txt`], note: "The lake" });
  await alice.offered();
}

for (const language of ["en", "fr"] as const) {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [360, 1_440] as const) {
      testInBrowser(
        `nothing keeps people out of any page or dialog: ${language}, ${colorScheme}, ${width} px`,
        async (browser) => {
          await using pair = await ConsolePair.start();
          await prepare(pair);
          const { alice, bob } = pair;
          await using visit = await Visit.start(browser, {
            locale: language === "fr" ? "fr-FR" : "en-GB",
            colorScheme,
            viewport: { width, height: 900 },
            reducedMotion: "reduce",
          });
          const { page } = visit;
          await page.addInitScript(axe);
          const problems: string[] = [];
          const look = async (where: string) => {
            for (const one of await findings(page)) problems.push(`${where}: ${one}`);
            if (await isTooWide(page)) problems.push(`${where}: wider than the window`);
          };
          await show(page, alice, "start");
          await look("signing in");
          await alice.signIn(page);
          const { conversations } = await alice.ask("GET", "/m/messaging/conversations");
          const group = conversations.find((one: { group?: string }) => one.group !== undefined);
          const places = [...PAGES, `people/${bob.id}`, `chats/${bob.id}`];
          if (group !== undefined) places.push(`chats/${group.peer}`);
          for (const place of places) {
            await show(page, alice, place);
            await look(place);
            const name = place.replace(bob.id, "bob").replace(group?.peer, "group").replace(
              "/",
              "-",
            );
            await Deno.mkdir("dist/screens", { recursive: true });
            await page.screenshot({
              path: `dist/screens/page-${name}-${language}-${colorScheme}-${width}.png`,
            });
          }
          for (const [place, names] of DIALOGS) {
            await show(page, alice, place.replace("BOB", bob.id));
            await page.getByRole("main").getByRole("button", { name: names[language], exact: true })
              .first().click();
            await page.locator("dialog[open]").waitFor();
            await look(`${place}, ${names[language]}`);
            await page.keyboard.press("Escape");
            await page.locator("dialog[open]").waitFor({ state: "detached" });
            const focused = await page.evaluate("document.activeElement.textContent");
            if (focused !== names[language]) problems.push(`${place}: the focus is lost`);
          }
          assertEquals(problems, []);
        },
      );
    }
  }
}
