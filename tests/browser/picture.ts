/**
 * Makes `docs/console.png`, the picture in the README: a conversation in the console, as it is now. Usage:
 * `deno task picture`.
 *
 * @module
 */
import { until } from "../world/until.ts";
import { launchChromium } from "./chromium.ts";
import { ConsolePair } from "./console_site.ts";

const WAIT_MS = 20_000;

await using pair = await ConsolePair.start();
const { alice, bob } = await pair.connect();
const say = (from: typeof alice, to: typeof alice, text: string) =>
  from.ask("POST", "/m/messaging/messages", { peer: to.id, text, wait_ms: WAIT_MS });
await say(alice, bob, "We are back from the lake. You should have seen the fog this morning!");
await say(bob, alice, "I saw your tent from the ridge. Do you have pictures?");
await say(alice, bob, "Forty of them, far too large for anything but this.");
await say(bob, alice, "Send them over. I am at home all evening.");
await alice.ask("POST", "/m/messaging/groups", { name: "Hikers", members: [bob.id] });
const fog = bob.write("fog-over-the-lake.jpg", new Uint8Array(4_200_000));
await bob.share({ peer: alice.id, paths: [fog], note: "The one that I took" });
await alice.offered();

const browser = await launchChromium();
try {
  const page = await browser.newPage({
    locale: "en-GB",
    viewport: { width: 1_200, height: 760 },
    colorScheme: "light",
  });
  await alice.signIn(page);
  await page.goto(`${alice.origin}/console/#/chats/${bob.id}`);
  await page.getByRole("button", { name: "Accept" }).waitFor();
  await until(async () => await page.locator("main .loading").count() === 0, "it is there");
  await page.screenshot({ path: "docs/console.png" });
} finally {
  await browser.close();
}
