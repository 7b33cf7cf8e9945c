import { assertEquals } from "@std/assert";
import qrcode from "qrcode-generator";
import { testInBrowser } from "./chromium.ts";
import { ConsolePair } from "./console_site.ts";
import { Visit } from "./visit.ts";

const WIDTH = 640;
const HEIGHT = 480;
const BLACK = 16;
const WHITE = 235;
const GREY = 128;
const MODULE_PIXELS = 6;

/** A film of one picture: a code before a camera (YUV4MPEG2, 4:2:0). */
function filmOf(text: string): Uint8Array {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  const left = (WIDTH - size * MODULE_PIXELS) / 2;
  const top = (HEIGHT - size * MODULE_PIXELS) / 2;
  const frame = new Uint8Array(WIDTH * HEIGHT * 3 / 2).fill(GREY);
  for (let at = 0; at < WIDTH * HEIGHT; at++) {
    const row = Math.floor((Math.floor(at / WIDTH) - top) / MODULE_PIXELS);
    const column = Math.floor((at % WIDTH - left) / MODULE_PIXELS);
    const isInside = row >= 0 && column >= 0 && row < size && column < size;
    frame[at] = isInside && code.isDark(row, column) ? BLACK : WHITE;
  }
  const head = new TextEncoder().encode(
    `YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420\nFRAME\n`,
  );
  return new Uint8Array([...head, ...frame]);
}

const film = Deno.makeTempFileSync({ suffix: ".y4m" });
globalThis.addEventListener("unload", () => Deno.removeSync(film));

testInBrowser(
  "a code before the camera fills in the link, and another one does not",
  async (browser) => {
    await using pair = await ConsolePair.start();
    const { alice, bob } = pair;
    const { contact } = await bob.ask<{ contact: string }>("GET", "/id");
    await using visit = await Visit.start(browser, {
      permissions: ["camera"],
      viewport: { width: 360, height: 740 },
    });
    const { page } = visit;
    await alice.signIn(page);
    await page.goto(`${alice.origin}/console/#/people/connect`);
    const link = page.getByLabel("Link of the other person");
    const scan = page.getByRole("button", { name: "Scan a code" });
    Deno.writeFileSync(film, filmOf("https://evil.example/i/#javascript:alert(1)"));
    await scan.click();
    await visit.says("This is a code of something else.");
    await page.keyboard.press("Escape");
    await page.locator("video").waitFor({ state: "detached" });
    assertEquals(await link.inputValue(), "");
    Deno.writeFileSync(film, filmOf(contact));
    await scan.click();
    await page.locator("video").waitFor({ state: "detached" });
    assertEquals(await link.inputValue(), contact);
    // Nothing was begun: whoever scanned looks at it, and presses the button.
    assertEquals((await alice.status()).peers, []);
  },
  [
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-video-capture=${film}`,
  ],
);
