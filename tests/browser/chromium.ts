/**
 * A real browser, where the machine has one and the tests may start it.
 *
 * @module
 */
import type { Browser } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

function findChromium(): string | null {
  for (const path of PATHS) {
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return null;
}

/** Why tests in a browser are left out; `null` where they run. */
function whyNot(): string | null {
  // What drives the browser looks at the whole machine.
  if (Deno.permissions.querySync({ name: "sys" }).state !== "granted") {
    return "they need all permissions: deno task test:browser";
  }
  return findChromium() === null ? "there is no Chromium" : null;
}

/** Starts it, without anything to be seen. @throws {Error} Where there is none. */
export async function launchChromium(args: readonly string[] = []): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return await chromium.launch({
    executablePath: findChromium()!,
    args: ["--no-sandbox", ...args],
  });
}

/** A test in a browser, which says why where it is left out. @param args What the browser is started with besides. */
export function testInBrowser(
  name: string,
  test: (browser: Browser) => Promise<void>,
  args: readonly string[] = [],
): void {
  const why = whyNot();
  Deno.test({
    name: why === null ? name : `${name} (left out: ${why})`,
    ignore: why !== null,
    // Its driver keeps timers and handles of its own.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const browser = await launchChromium(args);
      try {
        await test(browser);
      } finally {
        await browser.close();
      }
    },
  });
}
