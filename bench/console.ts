/**
 * How long the console's first page takes, in a real browser, until it tells how the node is.
 *
 * @module
 */
import type { BrowserContext, Page } from "playwright-core";
import { launchChromium } from "../tests/browser/chromium.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { startOnce } from "./started_program.ts";
import { interleave, ratiosOf } from "./statistics.ts";

const FIRST_PAGE_MS = 1_000;
/** What the first page says of the node's health. */
const USABLE = ".health";
const EMPTY_PAGE = `<!DOCTYPE html><title>Empty</title><p class="health">Nothing</p>`;

/** Notes in the page itself when that is there, so that nothing of what drives the browser counts. */
const NOTE = `new MutationObserver((_, observer) => {
  if (document.querySelector("${USABLE}") === null) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => {
    document.documentElement.dataset.usableMs = performance.now();
  }));
}).observe(document, { childList: true, subtree: true })`;

async function oneTimeLink(data: string): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "-A", "node.ts", "open", "--print", "--data", data],
    cwd: new URL("..", import.meta.url),
    stdin: "null",
  }).output();
  return /http:\S+#link=\S+/.exec(new TextDecoder().decode(stdout))![0];
}

/** Opens a page in a tab of its own. @returns Milliseconds from there until it is drawn. */
async function open(context: BrowserContext, url: string): Promise<number> {
  const page: Page = await context.newPage();
  try {
    await page.goto(url);
    const drawn = page.locator("html[data-usable-ms]");
    await drawn.waitFor();
    return Number(await drawn.getAttribute("data-usable-ms"));
  } finally {
    await page.close();
  }
}

async function measure(data: string, rounds: number) {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(EMPTY_PAGE, { headers: { "content-type": "text/html" } }),
  );
  const browser = await launchChromium();
  try {
    const context = await browser.newContext();
    await context.addInitScript(NOTE);
    const link = await oneTimeLink(data);
    await open(context, link);
    return await interleave(rounds, {
      empty: () => open(context, `http://127.0.0.1:${server.addr.port}/`),
      page: () => open(context, link.slice(0, link.indexOf("#"))),
    });
  } finally {
    await browser.close();
  }
}

async function run({ rounds }: Settings): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "openred-bench-" });
  const words = ["node.ts", "run", "--json", "--data", data, "--listen", "127.0.0.1:0"];
  try {
    let samples: Awaited<ReturnType<typeof measure>> | null = null;
    await startOnce([...words, "--console-listen", "localhost:0"], {
      restMs: 0,
      whileReady: async () => void (samples = await measure(data, rounds)),
    });
    const { empty, page } = samples!;
    printTitle("console", "its first page in a new tab, nothing of it kept, until it is drawn");
    printSamples("an empty page", empty, { unit: "ms" });
    printAim("the console's first page", page, { unit: "ms", aim: { atMost: FIRST_PAGE_MS } });
    printSamples("the console's ÷ the empty one", ratiosOf(page, empty), { unit: "×", digits: 1 });
    printNote("by the clock, so on a quiet machine alone: the node is a process of its own");
  } finally {
    await Deno.remove(data, { recursive: true });
  }
}

/** The console's first page; needs Chromium and `deno task console`. */
export const consolePage: Benchmark = { name: "console", isOptional: true, run };
