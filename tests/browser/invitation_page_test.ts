import { assertEquals, assertMatch } from "@std/assert";
import { encodeNodeId } from "../../crypto/encoding.ts";
import { formatContactLink } from "../../protocol/contact_link.ts";
import { RealDirectory } from "../world/real_directory.ts";
import { testInBrowser } from "./chromium.ts";
import { Visit } from "./visit.ts";

const LINK = formatContactLink({
  nodeId: encodeNodeId(new Uint8Array(32).fill(7)),
  apiUrl: null,
  directoryUrl: "https://dir.example",
  invitation: Uint8Array.from({ length: 16 }, (_, index) => index),
});

testInBrowser(
  "the page of an invitation says what to type, and sends nothing of the link",
  async (browser) => {
    await using directory = await new RealDirectory().start();
    await using visit = await Visit.start(browser);
    const { page } = visit;
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url() + (request.postData() ?? "")));
    await page.goto(`${directory.url}/i#${LINK}`);
    await visit.says("You are invited");
    await visit.says(`openred-node connect ${LINK}`);
    await visit.says(`openred-node run --directories ${directory.url}`);
    assertEquals(await page.locator("svg[role=img]").count(), 1);
    assertMatch(await page.locator("svg path").getAttribute("d") ?? "", /^M\d+ \d+h1v1h-1z/);
    assertEquals(page.url(), `${directory.url}/i/`, "the link has left the address bar");
    const secret = LINK.slice(LINK.lastIndexOf("/") + 1);
    const sent = asked.map((url) => url.split("#")[0]!).join(" ");
    assertEquals(sent.includes(secret), false);
    assertEquals(sent.includes("openred:"), false);

    await page.getByRole("button", { name: "Français" }).click();
    await visit.says("Vous êtes invité");
    assertEquals(await page.locator("html").getAttribute("lang"), "fr");
  },
);

testInBrowser(
  "the page speaks the language of the browser, and of contact links as well",
  async (browser) => {
    await using directory = await new RealDirectory().start();
    await using visit = await Visit.start(browser, {
      locale: "fr-FR",
      viewport: { width: 360, height: 640 },
    });
    const { page } = visit;
    await page.goto(`${directory.url}/i/#${LINK.slice(0, LINK.indexOf("/i/"))}`);
    await visit.says("Un contact sur OpenRed");
    const wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
    assertEquals(wide, false, "fits a narrow screen");
  },
);

testInBrowser("the page shows nothing of what is no link", async (browser) => {
  await using directory = await new RealDirectory().start();
  for (
    const wrong of [
      "",
      "openred:",
      `${LINK}<b>x</b>`,
      `${LINK}/i`,
      "javascript:alert(1)",
      "x".repeat(4_000),
    ]
  ) {
    await using visit = await Visit.start(browser);
    await visit.page.goto(`${directory.url}/i/#${wrong}`);
    await visit.says("The link is not complete");
    assertEquals(await visit.page.locator("code").count(), 0, wrong);
  }
});
