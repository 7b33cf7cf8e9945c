import { assert } from "@std/assert";
import type { Browser, Page } from "playwright-core";
import type { HistoryMessage, HistoryView } from "../../protocol/messaging_api.ts";
import { until } from "../world/until.ts";
import { testInBrowser } from "./chromium.ts";
import { ConsolePair } from "./console_site.ts";
import { Visit } from "./visit.ts";

const COUNT = 10_000;
const MINUTE_MS = 60_000;
const LONGEST_TASK_MS = 50;
const FIRST_PAGE_MS = 1_000;

/** A long conversation, as the node would tell it. */
function conversation(own: string, peer: string): HistoryMessage[] {
  const start = Date.now() - COUNT * MINUTE_MS;
  return Array.from({ length: COUNT }, (_, n): HistoryMessage => ({
    id: `message-${n}`,
    conversation: peer,
    run: "run",
    n,
    from: n % 3 === 0 ? own : peer,
    text: `Message ${n}: ${"a few words and https://example.org/page ".repeat(1 + n % 5)}`,
    sent_at: start + n * MINUTE_MS,
    state: n % 3 === 0 ? { [peer]: "read" } : {},
    ...(n % 7 === 1 ? { reply_to: `message-${n - 1}` } : {}),
    ...(n % 11 === 2 ? { reactions: { [peer]: "👍" } } : {}),
  }));
}

async function answerWith(page: Page, messages: readonly HistoryMessage[], peer: string) {
  await page.route("**/m/messaging/history?*", async (route) => {
    const { searchParams } = new URL(route.request().url());
    const before = Number(searchParams.get("before") ?? messages.length);
    const from = Math.max(0, before - Number(searchParams.get("limit")));
    const view: HistoryView = {
      conversation: peer,
      petname: "Bob",
      unread: 0,
      receipts: true,
      messages: messages.slice(from, before),
      older: from === 0 ? null : from,
    };
    await route.fulfill({ json: view });
  });
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** How long each task of the page's own thread worked: the time of the processor, whoever else is busy. */
async function tasksOf(
  browser: Browser,
  page: Page,
  work: () => Promise<void>,
): Promise<number[]> {
  await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline", "__metadata"] });
  await work();
  const { traceEvents } = JSON.parse(new TextDecoder().decode(await browser.stopTracing())) as {
    traceEvents: TraceEvent[];
  };
  const threads = new Set(
    traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  assert(threads.size > 0);
  const tasks = traceEvents.filter(({ name, pid, tid }) =>
    /RunTask$/.test(name) && threads.has(`${pid} ${tid}`)
  );
  return tasks.map(({ tdur = 0 }) => tdur / 1_000);
}

testInBrowser("of 10,000 messages few are drawn, to the first and back", async (browser) => {
  await using pair = await ConsolePair.start();
  const { alice, bob } = await pair.connect();
  await using visit = await Visit.start(browser, { viewport: { width: 1_280, height: 860 } });
  const { page } = visit;
  await answerWith(page, conversation(alice.id, bob.id), bob.id);
  await alice.signIn(page);
  await page.goto(`${alice.origin}/console/#/chats/${bob.id}`);
  await visit.says(`Message ${COUNT - 1}:`);
  const list = page.locator(".messages");
  await list.hover();
  const tasks = await tasksOf(browser, page, async () => {
    await until(async () => {
      for (let turn = 0; turn < 20; turn++) await page.mouse.wheel(0, -12_000);
      return await page.locator(".text", { hasText: /^Message 0:/ }).count() === 1;
    }, "the first message is seen");
    for (let turn = 0; turn < 40; turn++) await page.mouse.wheel(0, 2_000);
  });
  assert(tasks.length > 100);
  const longest = Math.max(...tasks);
  assert(longest <= LONGEST_TASK_MS, `a task took ${longest.toFixed(1)} ms of the processor`);
  const drawn = await page.locator(".message").count();
  assert(drawn < 1_000, `${drawn} messages are drawn`);
});

testInBrowser("the first page takes the processor less than a second", async (browser) => {
  await using pair = await ConsolePair.start();
  const { alice } = await pair.connect();
  await using visit = await Visit.start(browser);
  const { page } = visit;
  await alice.signIn(page);
  await page.goto("about:blank");
  const tasks = await tasksOf(browser, page, async () => {
    await page.goto(`${alice.origin}/console/`);
    await visit.says("Your node is well");
  });
  assert(tasks.length > 10);
  const all = tasks.reduce((sum, one) => sum + one, 0);
  assert(all <= FIRST_PAGE_MS, `the first page took ${all.toFixed(0)} ms of the processor`);
});
