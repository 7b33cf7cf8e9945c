import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { until } from "../world/until.ts";
import { testInBrowser } from "./chromium.ts";
import { ConsolePair } from "./console_site.ts";
import { Visit } from "./visit.ts";

/** What runs where a text becomes markup, or an address. */
const MARKUP = `<img src=x onerror="globalThis.hit=1"><script>hit=1</script>`;
const SCRIPT_LINK = "javascript:globalThis.hit=1//https://example.org";
/** Turns around what follows, and hides. */
const TURNED = "\u202Egnp.exe\u2066\u200B";

testInBrowser("no text that others choose becomes code, markup or a link", async (browser) => {
  await using pair = await ConsolePair.start();
  const { alice, bob } = pair;
  await pair.connect();
  const toAlice = (path: string, body: object) => bob.ask("POST", path, body);
  const sent = await toAlice("/m/messaging/messages", {
    peer: alice.id,
    text: `${MARKUP}\n${SCRIPT_LINK}\n${TURNED}\nhttps://example.org/"onmouseover=hit`,
    wait_ms: 20_000,
  });
  await toAlice("/m/messaging/react", { peer: alice.id, id: sent.id, reaction: "<b>x" });
  await toAlice("/m/messaging/groups", { name: "<b>group</b>", members: [alice.id] });
  const path = bob.write(
    `${"<img src=x onerror=hit=1>".replaceAll("/", "")}.png`,
    new Uint8Array(9),
  );
  await bob.share({ peer: alice.id, paths: [path], note: MARKUP });
  await alice.offered();
  await alice.ask("POST", "/peers/alias", { peer: bob.id, name: `<i>Bob</i>` });
  await using visit = await Visit.start(browser);
  const { page } = visit;
  await alice.signIn(page);
  await until(
    async () => (await alice.ask("GET", "/m/messaging/groups")).groups.length === 1,
    "the invitation has come",
  );
  const places = [
    "start",
    "people",
    `people/${bob.id}`,
    "chats",
    `chats/${bob.id}`,
    "files",
    "network",
    "audit",
    "modules",
    "security",
  ];
  for (const place of places) {
    await page.goto(`${alice.origin}/console/#/${place}`);
    await page.locator("main h1").first().waitFor({ state: "attached" });
    await until(async () => await page.locator("main .loading").count() === 0, "it is there");
    assertEquals(await page.evaluate("globalThis.hit"), undefined, place);
    assertEquals(await page.locator("main script, main iframe, main b, main i").count(), 0, place);
    const links = await page.evaluate(
      "[...document.querySelectorAll('a')].map(({ href, rel }) => [href, rel])",
    ) as [string, string][];
    for (const [href, rel] of links) {
      if (href.startsWith(`${alice.origin}/console/`)) continue;
      assert(href.startsWith("https://example.org/"), href);
      assertEquals(rel, "noopener noreferrer");
    }
    const text = await page.locator("main").innerText();
    assert(!/[\u202E\u2066\u200B]/.test(text), place);
  }
  await page.goto(`${alice.origin}/console/#/chats/${bob.id}`);
  await visit.says("<script>hit=1</script>");
  await visit.says("\uFFFDgnp.exe");
});

testInBrowser("a link signs in once, and nothing is left of it in the address", async (browser) => {
  await using pair = await ConsolePair.start();
  const { alice } = pair;
  const link = await alice.link();
  await using first = await Visit.start(browser);
  await first.page.goto(link);
  await first.says("Your node is well");
  assert(!first.page.url().includes("link="));
  await using thief = await Visit.start(browser);
  await thief.page.goto(link);
  await thief.says("This link was used already");
  await thief.page.goto(`${alice.origin}/console/#/audit`);
  await thief.says("Sign in to your node");
  assertEquals(await thief.page.locator("nav").count(), 0);
});

testInBrowser(
  "another tab is not signed out while this one renews the session",
  async (browser) => {
    await using pair = await ConsolePair.start();
    const { alice } = pair;
    await using visit = await Visit.start(browser);
    const { page, context } = visit;
    await alice.signIn(page);
    const other = await context.newPage();
    await other.goto(`${alice.origin}/console/#/settings`);
    await other.getByText(alice.id).waitFor();
    const renewed = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    // The node has renewed the session; this tab hears of it after the other one has asked.
    const network = await context.newCDPSession(page);
    const urlPattern = "*/auth/v1/factors/password";
    await network.send("Fetch.enable", { patterns: [{ urlPattern, requestStage: "Response" }] });
    network.once("Fetch.requestPaused", async ({ requestId }) => {
      renewed.resolve();
      await asked.promise;
      await network.send("Fetch.continueRequest", { requestId });
    });
    await page.goto(`${alice.origin}/console/#/security`);
    await page.getByRole("button", { name: "Set a password" }).click();
    const dialog = page.locator("dialog[open]");
    await dialog.getByLabel("Password").fill("four words and more");
    const refused = other.waitForResponse((answer) => answer.status() === 401);
    await page.keyboard.press("Enter");
    await renewed.promise;
    await other.goto(`${alice.origin}/console/#/audit`);
    await refused;
    asked.resolve();
    await other.getByRole("heading", { name: "Audit log" }).waitFor();
    await dialog.waitFor({ state: "detached" });
    assertEquals(await other.locator("nav.rail").count(), 1);
  },
);

testInBrowser("who has signed out sees nothing by going back", async (browser) => {
  await using pair = await ConsolePair.start();
  const { alice } = pair;
  await using visit = await Visit.start(browser);
  const { page } = visit;
  await alice.signIn(page);
  await page.goto(`${alice.origin}/console/#/settings`);
  await visit.says(alice.id);
  await page.goto(`${alice.origin}/console/#/security`);
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await visit.says("Sign in to your node");
  await page.goBack();
  await visit.says("Sign in to your node");
  assert(!(await page.content()).includes(alice.id));
  assertEquals(await page.evaluate("localStorage.getItem('openred_session')"), null);
});

testInBrowser(
  "other pages of this machine and elsewhere get nothing of the console",
  async (browser) => {
    await using pair = await ConsolePair.start();
    const { alice } = pair;
    await using visit = await Visit.start(browser);
    const { page, context } = visit;
    await alice.signIn(page);
    await using other = await Visit.start(browser);
    const stranger = await context.newPage();
    const site = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response("<p>elsewhere</p>", { headers: { "content-type": "text/html" } }),
    );
    const { port } = site.addr as Deno.NetAddr;
    try {
      await stranger.goto(`http://localhost:${port}/`);
      const tries = await stranger.evaluate(`(async () => {
      const at = ${JSON.stringify(alice.origin)};
      const read = (path, init) => fetch(at + path, { credentials: "include", ...init })
        .then((answer) => answer.status, () => "refused");
      const blind = await fetch(at + "/admin/v1/status", { mode: "no-cors", credentials: "include" })
        .then((answer) => answer.type, () => "refused");
      const frame = document.createElement("iframe");
      frame.src = at + "/console/";
      const loaded = new Promise((resolve) => frame.onload = resolve);
      document.body.append(frame);
      await loaded;
      let inside = "hidden";
      try { inside = frame.contentDocument.body.innerText; } catch { /* another origin */ }
      return [
        await read("/admin/v1/status"),
        await read("/admin/v1/peers/block", { method: "POST", body: "{}",
          headers: { "content-type": "text/plain" } }),
        blind,
        inside ?? "hidden",
      ];
    })()`);
      assertEquals(tries, ["refused", "refused", "refused", "hidden"]);
      await stranger.goto(`http://127.0.0.1:${new URL(alice.origin).port}/console/`);
      await stranger.getByText("Welcome home").waitFor();
      assertStringIncludes(stranger.url(), "http://localhost:");
    } finally {
      await stranger.close();
      await site.shutdown();
    }
    await other.page.goto("about:blank");
  },
);

testInBrowser("a viewer sees how the node does, and neither texts nor files", async (browser) => {
  await using pair = await ConsolePair.start();
  const { alice, bob } = await pair.connect();
  const text = { peer: alice.id, text: "for the owner alone", wait_ms: 20_000 };
  await bob.ask("POST", "/m/messaging/messages", text);
  await using visit = await Visit.start(browser);
  const { page } = visit;
  await alice.signIn(page, "viewer");
  await visit.says("Your node is well");
  const names = await page.locator("nav.rail .nav-text").allInnerTexts();
  assertEquals(names, ["Home", "People", "Connections", "Audit log", "Settings"]);
  for (const place of [`chats/${bob.id}`, "files", "security", "modules"]) {
    await page.goto(`${alice.origin}/console/#/${place}`);
    await visit.says("This part is the owner’s alone");
  }
  await page.goto(`${alice.origin}/console/#/people/${bob.id}`);
  await page.getByRole("heading", { name: "Bob" }).waitFor();
  assertEquals(await page.getByRole("button", { name: "Block" }).count(), 0);
  assert(!(await page.content()).includes("for the owner alone"));
});
