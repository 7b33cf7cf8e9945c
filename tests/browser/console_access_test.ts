import { Buffer } from "node:buffer";
import { assertEquals } from "@std/assert";
import axe from "axe-core/axe.min.js" with { type: "text" };
import type { Page } from "playwright-core";
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import type { IdView } from "../../protocol/admin_api.ts";
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

const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** What depends on colours and on the width; the rest on the words alone. */
const OF_LOOKS = [
  "color-contrast",
  "target-size",
  "link-in-text-block",
  "scrollable-region-focusable",
];

/** @param rules `null`: all of them. */
async function findings(page: Page, rules: readonly string[] | null): Promise<string[]> {
  const runOnly = JSON.stringify(rules ?? STANDARDS);
  const found = await page.evaluate(`(async () => {
    const { violations } = await axe.run(document, { runOnly: ${runOnly} });
    return violations;
  })()`) as Finding[];
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`)
  );
}

/** What of a page somebody could not press, since something else lies above it. */
async function covered(page: Page): Promise<string[]> {
  return await page.evaluate(`(() => {
    const found = [];
    for (const one of document.querySelectorAll("main button, main a, main input, main select")) {
      if (!one.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      if (one.disabled || one.closest("details:not([open])") !== null) continue;
      if (one.matches(".unseen, .unseen *")) continue;
      one.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      const { left, top, width, height } = one.getClientRects()[0] ?? {};
      if (!(width > 1) || !(height > 1)) continue;
      const seen = document.elementFromPoint(left + width / 2, top + height / 2);
      if (seen !== null && (one.contains(seen) || seen.contains(one))) continue;
      if (seen !== null && seen.closest("label")?.control === one) continue;
      found.push(one.outerHTML.slice(0, 120) + " under " + seen?.outerHTML.slice(0, 80));
    }
    return found;
  })()`) as string[];
}

/** Whether the focus comes to what has this text, soon after what was before it is gone. */
async function isFocused(page: Page, text: string): Promise<boolean> {
  for (let left = 60; left > 0; left--) {
    if (await page.evaluate("document.activeElement.textContent") === text) return true;
    await page.waitForTimeout(50);
  }
  return false;
}

/** What sticks out of the window, if anything does. */
async function stickingOut(page: Page): Promise<string[]> {
  return await page.evaluate(`(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const out = [...document.querySelectorAll("body *")].filter((one) =>
      one.getBoundingClientRect().right > clientWidth + 0.5
    );
    const names = out.map(({ tagName, className }) => tagName + "." + className).slice(0, 12);
    return ["wider than the window: " + names.join(", ")];
  })()`) as string[];
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

type Language = "en" | "fr";
type Look = (where: string) => Promise<void>;

/** Goes through all pages and dialogs of one language and width, in both colours, and at 200 %. */
async function walk(
  visit: Visit,
  { alice, bob }: ConsolePair,
  { language, width }: { readonly language: Language; readonly width: number },
): Promise<string[]> {
  const { page } = visit;
  const problems: string[] = [];
  const rules: readonly string[] | null = width === 1_440 ? null : OF_LOOKS;
  const note = (where: string, found: readonly string[]) =>
    problems.push(...found.map((one) => `${where}, ${language}, ${width} px: ${one}`));
  const look: Look = async (where) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      note(
        `${where}, ${colorScheme}`,
        await findings(page, colorScheme === "light" ? rules : OF_LOOKS),
      );
    }
    note(where, await stickingOut(page));
  };
  const shoot = async (place: string) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const name = `page-${place}-${language}-${colorScheme}-${width}`;
      await page.screenshot({ path: `dist/screens/${name}.png` });
    }
  };
  await Deno.mkdir("dist/screens", { recursive: true });
  await show(page, alice, "start");
  await look("signing in");
  await alice.signIn(page);
  const { conversations } = await alice.ask("GET", "/m/messaging/conversations");
  const group = conversations.find((one: { group?: string }) => one.group !== undefined).peer;
  const places = [...PAGES, `people/${bob.id}`, `chats/${bob.id}`, `chats/${group}`];
  for (const place of places) {
    const name = place.replace(bob.id, "bob").replace(group, "group").replace("/", "-");
    await show(page, alice, place);
    await look(name);
    await shoot(name);
    await page.setViewportSize({ width: width / 2, height: 450 });
    note(`${name} at 200 %`, [...await stickingOut(page), ...await covered(page)]);
    await page.setViewportSize({ width, height: 900 });
  }
  for (const [place, names] of DIALOGS) {
    await show(page, alice, place.replace("BOB", bob.id));
    const opening = page.getByRole("main").getByRole("button", {
      name: names[language],
      exact: true,
    }).first();
    await opening.click();
    await page.locator("dialog[open]").waitFor();
    await look(`${place}, ${names[language]}`);
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    if (!await isFocused(page, names[language])) {
      note(`${place}, ${names[language]}`, ["the focus is not where it was before"]);
    }
  }
  await becomeAnother(page, { node: alice, name: SUCCESSION[language], look });
  await restore(page, { node: alice, ...RESTORE[language], look });
  return problems;
}

const SUCCESSION = { en: "Become a new identity …", fr: "Prendre une nouvelle identité…" } as const;

/** Goes through the windows of a new identity, where the node is asked for nothing. */
async function becomeAnother(
  page: Page,
  { node, name, look }: { readonly node: ConsoleNode; readonly name: string; readonly look: Look },
): Promise<void> {
  const { id } = node;
  const own = await node.ask<IdView>("GET", "/id");
  const [head, payload, end] = own.record.split(".");
  const claims = JSON.parse(new TextDecoder().decode(decodeBase64Url(payload!)!));
  const next = encodeUtf8(JSON.stringify({ ...claims, next: "A".repeat(43) }));
  const answers = {
    "/admin/v1/id": { ...own, record: [head, encodeBase64Url(next), end].join(".") },
    "/admin/v1/succession": { node_id: id, words: Array(24).fill("word"), asked: [1, 2, 3] },
    "/admin/v1/succession/make": { node_id: id, link: "" },
    "/auth/v1/link": { session: null, role: null, factors_enrolled: 1 },
  };
  for (const [path, json] of Object.entries(answers)) {
    await page.route(`**${path}`, (route) => route.fulfill({ json }));
  }
  await show(page, node, "security");
  await page.reload();
  await page.getByRole("button", { name, exact: true }).click();
  const window = page.locator("dialog[open]");
  await look("succession, the phrase");
  await window.locator("textarea").fill("a phrase");
  await window.locator("button[type=submit]").click();
  await window.locator(".phrase").waitFor();
  await look("succession, the new phrase");
  await window.locator(".button.primary").click();
  for (const field of await window.locator("input").all()) await field.fill("word");
  await look("succession, its words");
  await window.locator("button[type=submit]").click();
  await page.locator("main.centre .button.primary").waitFor();
  await look("succession, done");
  await page.unrouteAll();
}

const RESTORE = {
  en: { name: "Restore a backup …", word: "restore" },
  fr: { name: "Restaurer une sauvegarde…", word: "restaurer" },
} as const;

/** Goes through the windows of a backup, where the node is asked for nothing. */
async function restore(
  page: Page,
  { node, name, word, look }: {
    readonly node: ConsoleNode;
    readonly name: string;
    readonly word: string;
    readonly look: Look;
  },
): Promise<void> {
  const { id } = node;
  const opened = { node_id: id, is_own: false, created_at: 0, contacts: 3, has_passphrase: true };
  const answers = {
    "": { at: 0, bytes: 4 },
    "/piece": { at: 4, bytes: 4 },
    "/look": opened,
    "/make": { node_id: id, kept: "replaced-20260101T000000Z.", link: "" },
  };
  for (const [step, json] of Object.entries(answers)) {
    await page.route(`**/admin/v1/restoration${step}`, (route) => route.fulfill({ json }));
  }
  await page.route("**/auth/v1/link", (route) => route.fulfill({ json: { session: null } }));
  await show(page, node, "security");
  await page.reload();
  await page.getByRole("button", { name, exact: true }).click();
  const window = page.locator("dialog[open]");
  const file = {
    name: "a.backup",
    mimeType: "application/octet-stream",
    buffer: Buffer.from("ORBA"),
  };
  await window.locator("input[type=file]").setInputFiles(file);
  await look("restore, the file");
  await window.locator("button[type=submit]").click();
  await window.locator("input[type=password]").fill("a passphrase");
  await look("restore, its passphrase");
  await window.locator("button[type=submit]").click();
  await window.locator("code.id").waitFor();
  await window.locator("input[type=password]").fill("a passphrase");
  await window.locator("input[type=text]").fill(word);
  await look("restore, what is in it");
  await window.locator("button[type=submit]").click();
  await page.locator("main.centre .button.primary").waitFor();
  await look("restore, done");
  await page.unrouteAll();
}

for (const language of ["en", "fr"] as const) {
  testInBrowser(`nothing keeps people out of any page or dialog: ${language}`, async (browser) => {
    await using pair = await ConsolePair.start();
    await prepare(pair);
    for (const width of [360, 1_440] as const) {
      await using visit = await Visit.start(browser, {
        locale: language === "fr" ? "fr-FR" : "en-GB",
        viewport: { width, height: 900 },
        reducedMotion: "reduce",
      });
      await visit.page.addInitScript(axe);
      assertEquals(await walk(visit, pair, { language, width }), []);
    }
  });
}
