import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { BrowserContextOptions, Page } from "playwright-core";
import { decodeBase64Url, decodeUtf8 } from "../../crypto/encoding.ts";
import type { PassphraseView } from "../../protocol/settings_api.ts";
import type { StatusView } from "../../protocol/admin_api.ts";
import { until } from "../world/until.ts";
import { testInBrowser } from "./chromium.ts";
import { type ConsoleNode, ConsolePair } from "./console_site.ts";
import { Visit } from "./visit.ts";

/** What the page says, by language. */
const WORDS = {
  en: {
    connect: "Connect",
    link: "Link of the other person",
    name: "Your name for them",
    write: "Write a message",
    send: "Send",
    accept: "Accept",
    ownName: "The name that others see",
    save: "Save",
    nameSaved: "others see it from now on",
    passphrase: "Passphrase",
    sameAgain: "The same again",
    setPassphrase: "Set the passphrase",
    passphraseSet: "The keys are under a passphrase.",
    entry: "A way to come back",
    removeDirectory: "Remove the directory",
    noDirectory: "no directory",
    addDirectory: "Address of a directory",
    add: "Add",
    registered: "registered",
    relay: "Address of a relay",
    relayTried: "It goes on trying to reach the relay relay.example",
    done: "Done",
    people: "People",
    files: "Files",
    begin: "Begin the guide",
    next: "Next",
    makePhrase: "Show my recovery phrase",
    written: "I have written them down",
    check: "Check",
    again: "See the words again",
    hasPhrase: "Your node has a recovery phrase.",
    end: "Done",
  },
  fr: {
    connect: "Se connecter",
    link: "Lien de l’autre personne",
    name: "Le nom que vous lui donnez",
    write: "Écrire un message",
    send: "Envoyer",
    accept: "Accepter",
    ownName: "Le nom que les autres voient",
    save: "Enregistrer",
    nameSaved: "les autres le voient désormais",
    passphrase: "Phrase de passe",
    sameAgain: "La même encore une fois",
    setPassphrase: "Choisir la phrase de passe",
    passphraseSet: "Les clés sont sous une phrase de passe.",
    entry: "Un moyen de revenir",
    removeDirectory: "Retirer l’annuaire",
    noDirectory: "annuaire",
    addDirectory: "Adresse d’un annuaire",
    add: "Ajouter",
    registered: "inscrit",
    relay: "Adresse d’un relais",
    relayTried: "Il essaie encore de joindre le relais relay.example",
    done: "Terminé",
    people: "Contacts",
    files: "Fichiers",
    begin: "Commencer",
    next: "Suivant",
    makePhrase: "Montrer ma phrase de récupération",
    written: "Je les ai notés",
    check: "Vérifier",
    again: "Revoir les mots",
    hasPhrase: "Votre nœud a une phrase de récupération.",
    end: "Terminé",
  },
} as const;

const SCREENS = {
  desktop: { viewport: { width: 1440, height: 900 } },
  phone: { viewport: { width: 360, height: 740 }, hasTouch: true },
} as const satisfies Record<string, BrowserContextOptions>;

const SECRET = "four words and more";

const PICTURE = Uint8Array.from(
  atob(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFeEQH6QSAJgzP8FkQbQnAAAAAElFTkSuQmCC",
  ),
  (character) => character.charCodeAt(0),
);

async function shoot(page: Page, name: string): Promise<void> {
  await Deno.mkdir("dist/screens", { recursive: true });
  await page.screenshot({ path: `dist/screens/${name}.png` });
}

async function connectByLink(
  page: Page,
  node: ConsoleNode,
  to: ConsoleNode,
  words: typeof WORDS.en | typeof WORDS.fr,
) {
  await node.signIn(page);
  const { contact } = await to.ask<{ contact: string }>("GET", "/id");
  const shown = page.locator("nav:visible");
  await shown.getByRole("link", { name: words.people }).click();
  await page.getByRole("main").getByRole("link", { name: words.connect, exact: true }).click();
  await page.getByLabel(words.link).fill(contact);
  await page.getByLabel(words.name).fill("Bob");
  await page.getByRole("button", { name: words.connect, exact: true }).click();
  await page.getByRole("heading", { name: "Bob" }).waitFor();
}

testInBrowser(
  "the relay, the way to somebody and a warning are said in French",
  async (browser) => {
    await using pair = await ConsolePair.start();
    const { alice, bob } = await pair.connect();
    await using visit = await Visit.start(browser, { locale: "fr-FR", ...SCREENS.desktop });
    const { page } = visit;
    const url = "https://relay.example";
    await page.route("**/admin/v1/status", async (route) => {
      const now = await alice.status();
      const way = { kind: "relay", url, why: "" } as const;
      const peers = now.peers.map((peer) => ({ ...peer, way }));
      const relay = {
        url,
        named_by: null,
        relay_id: null,
        state: "trying",
        last_error: "full",
        passes_links: false,
      } as const;
      const warned = [{ topic: "relay", text: "Relay: it takes no more nodes now" }];
      await route.fulfill({ json: { ...now, peers, relay, warned } satisfies StatusView });
    });
    await alice.signIn(page);
    // The link that signed in named no page.
    const current = page.locator("nav:visible [aria-current]");
    assertEquals(await current.getAttribute("href"), "#/start");
    await visit.says("Les autres ne peuvent pas joindre votre nœud");
    await visit.says("Il essaie encore de joindre le relais relay.example");
    await visit.says("Le relais ne relie pas votre nœud en ce moment.");
    await shoot(page, "start-relay-fr");
    await page.goto(`${alice.origin}/console/#/network`);
    await page.getByRole("heading", { name: "Relais" }).waitFor();
    await page.getByRole("cell", { name: "par un relais" }).first().waitFor();
    assertEquals((await alice.status()).peers[0]?.node_id, bob.id);
  },
);

for (const language of ["en", "fr"] as const) {
  testInBrowser(
    `the guide sets a name, a passphrase, a recovery phrase that holds, a directory and a relay: ${language}`,
    async (browser) => {
      const words = WORDS[language];
      await using pair = await ConsolePair.start();
      const { alice } = pair;
      const locale = language === "fr" ? "fr-FR" : "en-GB";
      await using visit = await Visit.start(browser, { locale, ...SCREENS.phone });
      const { page } = visit;
      await alice.signIn(page);
      const main = page.getByRole("main");
      const press = (name: string) => main.getByRole("button", { name, exact: true }).click();
      const follow = (name: string) => main.getByRole("link", { name, exact: true }).click();
      await follow(words.begin);
      await page.getByLabel(words.ownName).fill("Alice Ålund");
      await press(words.save);
      await visit.says(words.nameSaved);
      await shoot(page, `guide-name-${language}`);
      await follow(words.next);
      await page.getByLabel(words.passphrase, { exact: true }).fill(SECRET);
      await page.getByLabel(words.sameAgain).fill(SECRET);
      await press(words.setPassphrase);
      await visit.says(words.passphraseSet);
      await shoot(page, `guide-passphrase-${language}`);
      assertEquals((await alice.ask<PassphraseView>("GET", "/passphrase")).is_set, true);
      await follow(words.next);
      await page.getByRole("heading", { name: words.entry }).waitFor();
      await follow(words.next);
      await press(words.makePhrase);
      const phrase = await page.locator(".phrase code").allTextContents();
      assertEquals(phrase.length, 24);
      await press(words.written);
      const fields = page.locator("main form input");
      assertEquals(await fields.count(), 3);
      assertEquals(await page.getByText(phrase[0]!, { exact: true }).count(), 0);
      for (let at = 0; at < 3; at++) await fields.nth(at).fill("wrong");
      await press(words.check);
      await page.getByRole("alert").waitFor();
      await press(words.again);
      await shoot(page, `guide-phrase-${language}`);
      await press(words.written);
      for (let at = 0; at < 3; at++) {
        const label = await page.locator("main form label").nth(at).textContent();
        await fields.nth(at).fill(phrase[Number(/\d+/.exec(label!)![0]) - 1]!);
      }
      await press(words.check);
      await visit.says(words.hasPhrase);
      await follow(words.next);
      await page.getByRole("button", { name: words.removeDirectory }).click();
      await visit.says(words.noDirectory);
      await page.getByLabel(words.addDirectory).fill(pair.directory.url);
      await press(words.add);
      await page.locator(".badge", { hasText: words.registered }).waitFor();
      await page.getByLabel(words.relay).fill("relay.example/");
      await press(words.save);
      await visit.says(words.relayTried);
      await shoot(page, `guide-found-${language}`);
      const { record } = await alice.ask<{ record: string }>("GET", "/id");
      const payload = decodeUtf8(decodeBase64Url(record.split(".")[1]!)!);
      assertEquals(JSON.parse(payload).alias, "Alice Ålund");
      assert(JSON.parse(payload).next);
      assertStringIncludes(alice.settings!, 'relay = "https://relay.example"');
      await follow(words.next);
      await shoot(page, `guide-friend-${language}`);
      await follow(words.end);
      await page.locator(".health").waitFor();
    },
  );

  for (const screen of ["desktop", "phone"] as const) {
    testInBrowser(
      `two people go from the first link to a file that has come: ${language}, ${screen}`,
      async (browser) => {
        const words = WORDS[language];
        await using pair = await ConsolePair.start();
        const { alice, bob } = pair;
        const options = { locale: language === "fr" ? "fr-FR" : "en-GB", ...SCREENS[screen] };
        await using first = await Visit.start(browser, options);
        await using second = await Visit.start(browser, options);
        const name = (page: string) => `${page}-${language}-${screen}`;
        await connectByLink(first.page, alice, bob, words);
        await shoot(first.page, name("person"));

        await bob.ask("POST", "/connect", { peer: alice.id, wait_ms: 20_000 });
        await bob.ask("POST", "/peers/alias", { peer: alice.id, name: "Alice" });
        await first.page.goto(`${alice.origin}/console/#/chats/${bob.id}`);
        await first.page.getByLabel(words.write).fill("Hello Bob");
        await first.page.getByRole("button", { name: words.send, exact: true }).click();
        await first.page.locator(".bubble", { hasText: "Hello Bob" }).waitFor();

        await bob.signIn(second.page);
        await second.page.goto(`${bob.origin}/console/#/chats/${alice.id}`);
        await second.page.locator(".bubble", { hasText: "Hello Bob" }).waitFor();
        await first.page.locator(".delivery.read").waitFor();
        await second.page.getByLabel(words.write).fill("Hello Alice");
        await second.page.keyboard.press("Enter");
        await first.page.locator(".bubble", { hasText: "Hello Alice" }).waitFor();

        const { Buffer } = await import("node:buffer");
        await first.page.locator(".composer input[type=file]").setInputFiles([
          { name: "lake.png", mimeType: "image/png", buffer: Buffer.from(PICTURE) as never },
        ]);
        await second.page.getByRole("button", { name: words.accept }).click();
        await second.page.locator(".tray .badge", { hasText: words.done }).waitFor();
        assertEquals(Deno.readFileSync(`${bob.folder}/OpenRed/lake.png`), PICTURE);
        assertEquals(Deno.readFileSync(`${alice.folder}/OpenRed/Sent/lake.png`), PICTURE);
        assertEquals(await second.page.locator("img.picture").count(), 0);
        await second.page.locator(".tray").getByRole("button", { name: /picture|image/ }).click();
        await second.page.locator("img.picture").waitFor();
        await shoot(second.page, name("chat"));
        for (const page of [first.page, second.page]) {
          const { width } = SCREENS[screen].viewport;
          assert(await page.evaluate("document.documentElement.scrollWidth") as number <= width);
        }
        await until(
          async () =>
            (await alice.ask("GET", "/m/messaging/conversations")).conversations.length === 1,
          "the conversation is listed",
        );
      },
    );
  }
}
