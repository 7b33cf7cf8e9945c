/**
 * What each part of a node that can be off costs: its start and its memory with each module off, and with what watches it
 * on; and the spans of a message.
 *
 * @module
 */
import { BUILT_IN_MODULES } from "../modules/built_in.ts";
import type { NodeId } from "../crypto/encoding.ts";
import { MessageSpans } from "../peer/monitoring/message_spans.ts";
import { systemClock, systemHttpClient } from "../ports/system.ts";
import { openTracing } from "../ports/system_tracing.ts";
import { printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { type Start, startOnce } from "./started_program.ts";
import { interleave, ratiosOf, usedCpuMs } from "./statistics.ts";

const MESSAGES = 1_000;

function wordsOf(data: string, more: readonly string[] = []): readonly string[] {
  return ["node.ts", "run", "--json", "--listen", "127.0.0.1:0", "--data", data, ...more];
}

async function disable(data: string, name: string): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "-A",
      "node.ts",
      "module",
      "disable",
      name,
      "--data",
      data,
    ],
    cwd: new URL("..", import.meta.url),
    stdout: "null",
  }).output();
  if (!success) throw new Error(`The module ${name} could not be switched off`);
}

/** A data directory in which these modules are off. */
async function prepare(off: readonly string[]): Promise<string> {
  const data = await Deno.makeTempDir({ prefix: "openred-bench-" });
  const whileReady = async () => {
    for (const name of off) await disable(data, name);
  };
  await startOnce(wordsOf(data), { restMs: 0, whileReady });
  return data;
}

/** Asks for the metrics once. */
async function scrape(data: string, url: string): Promise<void> {
  const token = (await Deno.readTextFile(`${data}/metrics-token`)).trim();
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`The metrics were answered with ${answer.status}`);
  await answer.body?.cancel();
}

/** Processor time of what tracing adds to one message, at both ends, in microseconds. */
async function spansCpuUs(): Promise<number> {
  const tracing = openTracing({
    // Nothing is posted before it is over.
    url: "http://127.0.0.1:9",
    clock: { ...systemClock, setTimer: () => () => {} },
    http: systemHttpClient,
    log: { log: () => {} },
    service: "bench",
    version: "bench",
  });
  const spans = new MessageSpans({ tracing, mayTrace: () => true });
  const peer = "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX" as NodeId;
  const before = usedCpuMs();
  for (let count = 0; count < MESSAGES; count++) {
    const sending = spans.sending(peer, "messaging.text");
    sending.left();
    const { member } = sending;
    spans.receiving(peer, { type: "messaging.text", member }).end(true);
    sending.end("acknowledged");
  }
  return await Promise.resolve(1_000 * (usedCpuMs() - before) / MESSAGES);
}

function printVariant(name: string, starts: readonly Start[], all: readonly Start[]): void {
  const cpu = (some: readonly Start[]) => some.map(({ cpuMs }) => cpuMs);
  const resident = (some: readonly Start[]) => some.map(({ residentMiB }) => residentMiB);
  printSamples(`${name}, start`, cpu(starts), { unit: "ms CPU" });
  printSamples(`${name} ÷ all modules on`, ratiosOf(cpu(starts), cpu(all)), {
    unit: "×",
    digits: 2,
  });
  printSamples(`${name}, resident`, resident(starts), { unit: "MiB" });
}

async function run({ rounds, sampleMs }: Settings): Promise<void> {
  const restMs = Math.max(sampleMs, 1_000);
  const names = BUILT_IN_MODULES.map(({ name }) => name);
  const folders = new Map<string, string>([["all", await prepare([])]]);
  try {
    for (const name of names) folders.set(`without ${name}`, await prepare([name]));
    folders.set("without any", await prepare(names));
    const all = folders.get("all")!;
    const starts = [...folders].map(([name, data]) =>
      [name, () => startOnce(wordsOf(data), { restMs })] as const
    );
    const listening = wordsOf(all, ["--metrics-listen", "127.0.0.1:0"]);
    const samples = await interleave<string, Start>(rounds, {
      ...Object.fromEntries(starts),
      "with --metrics-listen, nobody asks": () => startOnce(listening, { restMs }),
      "with --metrics-listen, asked once": () =>
        startOnce(listening, {
          restMs,
          whileReady: ({ metrics_url = "" }) => scrape(all, metrics_url),
        }),
      "with --otlp": () => startOnce(wordsOf(all, ["--otlp", "http://127.0.0.1:9"]), { restMs }),
    });
    const { spans } = await interleave(rounds, { spans: spansCpuUs });
    printTitle("parts", "what can be off, off and on: a node's start, its key derivation included");
    for (const [name, some] of Object.entries(samples)) printVariant(name, some, samples.all!);
    printSamples("spans of one message, both ends", spans!, { unit: "µs CPU" });
    printNote("without --otlp no span is made and none of their code is loaded");
  } finally {
    for (const data of folders.values()) await Deno.remove(data, { recursive: true });
  }
}

export const parts: Benchmark = { name: "parts", run };
