/**
 * A long conversation on one node: a page of its history, and searching it.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { TestParts } from "../tests/peer/parts.ts";
import { TestNodeKeys } from "../tests/peer/test_node_keys.ts";
import { MessagingWorld, PEERS } from "../tests/modules/messaging/messaging_world.ts";
import { LocalCryptoCore } from "../crypto/core.ts";
import { createOpenDatabase } from "../ports/system.ts";
import { encodeUtf8 } from "../crypto/encoding.ts";
import { printAim, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";

const MESSAGES = 100_000;
const MESSAGES_QUICK = 4_000;
const AT_ONCE = 500;
const WORDS = 2_000;
const MAX_SEARCH_MS = 300;
const MAX_PAGE_MS = 20;
const [PEER] = PEERS;

/** A text of eight words, some of which are said often and others seldom. */
function textOf(index: number): string {
  const word = (at: number) =>
    `word${Math.floor(((index * 7919 + at * 104_729) % WORDS) ** 2 / WORDS)}`;
  return Array.from({ length: 8 }, (_, at) => word(at)).join(" ") +
    (index % 10_007 === 5 ? " needle" : "");
}

async function fill(messaging: MessagingWorld, count: number): Promise<number> {
  const startMs = performance.now();
  for (let at = 0; at < count; at += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => {
      const n = at + index + 1;
      const id = `m${n}`;
      const header = {
        type: "messaging.text",
        id,
        sent_at: 1_790_000_000_000 + n,
        run: "AAAAAAAAAAA",
        n,
      };
      return messaging.receive({ peer: PEER, id, header, body: encodeUtf8(textOf(n)) });
    }));
  }
  return count / (performance.now() - startMs) * 1_000;
}

interface Times {
  readonly wall: number[];
  readonly cpu: number[];
}

/** Milliseconds of each round, and of the processor's. */
async function timesOf(rounds: number, run: (round: number) => Promise<unknown>): Promise<Times> {
  const times: Times = { wall: [], cpu: [] };
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now();
    const before = cpuUsage();
    await run(round);
    const { user, system } = cpuUsage(before);
    times.cpu.push((user + system) / 1_000);
    times.wall.push(performance.now() - startMs);
  }
  return times;
}

function printTimes(what: string, { wall, cpu }: Times, atMost: number): void {
  printAim(what, wall, { unit: "ms", digits: 1, aim: { atMost } });
  printSamples(`  of the processor`, cpu, { unit: "ms CPU", digits: 1 });
}

async function run(settings: Settings): Promise<void> {
  const count = settings.isQuick ? MESSAGES_QUICK : MESSAGES;
  const folder = await Deno.makeTempDir({ prefix: "openred-bench-" });
  const crypto = await LocalCryptoCore.create();
  const keys = await TestNodeKeys.create(crypto);
  const parts = await TestParts.create({ crypto, database: createOpenDatabase(folder)("node.db") });
  const messaging = await MessagingWorld.start({ parts, keys });
  const ask = (path: string) => messaging.hosted.ask("GET", `/m/messaging${path}`);
  printTitle("conversations", `${count} messages of eight words in one conversation`);
  printSamples("texts stored and sealed at one end", [await fill(messaging, count)], {
    unit: "messages/s",
  });
  const build = await timesOf(1, () => ask("/search?text=needle"));
  printSamples("first search, which builds the index", build.wall, { unit: "ms" });
  const rounds = Math.max(5, settings.rounds);
  const first: Times = { wall: [], cpu: [] };
  for (let round = 0; round < rounds; round++) {
    await messaging.restart();
    const { wall, cpu } = await timesOf(1, () => ask("/search?text=needle"));
    first.wall.push(...wall);
    first.cpu.push(...cpu);
  }
  printTimes("search for a seldom word, index not open", first, MAX_SEARCH_MS);
  const seldom = await timesOf(rounds, () => ask("/search?text=needle"));
  printTimes("search for a seldom word", seldom, MAX_SEARCH_MS);
  const often = await timesOf(rounds, () => ask("/search?text=word1%20word2"));
  printTimes("search for two that are said often", often, MAX_SEARCH_MS);
  await ask(`/history?peer=${PEER}`);
  const newest = await timesOf(rounds, () => ask(`/history?peer=${PEER}&limit=50`));
  printTimes("history, the newest 50", newest, MAX_PAGE_MS);
  const middle = 2 ** 20 * Math.floor(count / 2);
  const older = await timesOf(
    rounds,
    (round) => ask(`/history?peer=${PEER}&limit=50&before=${middle + round * 2 ** 26}`),
  );
  printTimes("history, 50 in the middle", older, MAX_PAGE_MS);
  messaging[Symbol.dispose]();
  await Deno.remove(folder, { recursive: true });
}

/** A long conversation. */
export const conversations: Benchmark = { name: "conversations", run };
