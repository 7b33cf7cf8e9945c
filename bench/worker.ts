/**
 * Calls of the crypto core through its Worker, against the same core in the caller's thread.
 *
 * @module
 */
import { WorkerCryptoCore } from "../crypto/client.ts";
import { LocalCryptoCore } from "../crypto/core.ts";
import type { CryptoCore, KeyRef } from "../crypto/interface.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { interleave, rateOf } from "./statistics.ts";
import { type CoreNode, createCoreNode, establishSession } from "./two_nodes.ts";

const BATCH = 256;
const BODY_BYTES = 256;
const MICROSECONDS = 1_000_000;
/** More than the core remembers, so that none is known when its turn comes again. */
const DISTINCT_TEXTS = 4_608;

/** What a call needs, the same for both ways to hold the core. */
interface Held {
  readonly core: CryptoCore;
  readonly session: KeyRef;
  /** Signed texts, each another. */
  readonly texts: readonly string[];
}

/** One call of the core; `turn` grows with every call. */
type Call = (held: Held, turn: number) => Promise<unknown>;

const DATA = new Uint8Array(64).fill(7);
const HEADER = JSON.stringify({ type: "bench.note" });

const CALLS = {
  "sha256 of 64 bytes": ({ core }) => core.sha256(DATA),
  "verifyJws, known text": ({ core, texts }) => verify(core, texts[0]!),
  "verifyJws, new text": ({ core, texts }, turn) => verify(core, texts[turn % texts.length]!),
  "seal of 256 bytes": ({ core, session }) =>
    core.seal({
      session,
      nowMs: 0,
      mayStep: false,
      header: HEADER,
      body: new Uint8Array(BODY_BYTES),
    }),
} as const satisfies Record<string, Call>;

type CallName = keyof typeof CALLS;

/** A signature check alone takes longer than the aim. */
const WITHOUT_AIM: readonly CallName[] = ["verifyJws, new text"];

function verify(core: CryptoCore, text: string): Promise<unknown> {
  return core.verifyJws({ text, typ: "openred-record+jwt" });
}

async function signTexts(node: CoreNode, count: number): Promise<string[]> {
  const texts: string[] = [];
  for (let seq = 0; seq < count; seq++) {
    const payload = JSON.stringify({ v: 3, iss: node.id, seq, padding: "x".repeat(400) });
    const signed = node.core.signJws({ key: node.identity, typ: "openred-record+jwt", payload });
    texts.push(await signed);
  }
  return texts;
}

async function prepare(core: CryptoCore, texts: readonly string[]): Promise<Held> {
  const directory = await createCoreNode(core);
  const nodes = { a: await createCoreNode(core), b: await createCoreNode(core), directory };
  const { a } = await establishSession(nodes);
  return { core, session: a.session, texts };
}

/** A sample: microseconds of one call, calls made `atATime`. */
function createSubject(
  held: Held,
  options: { call: Call; atATime: number; sampleMs: number },
): () => Promise<number> {
  const { call, atATime, sampleMs } = options;
  let turn = 0;
  const runBatch = async () => {
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < atATime; i++) calls.push(call(held, turn++));
    await Promise.all(calls);
    return atATime;
  };
  return async () => {
    const rate = await rateOf(runBatch, sampleMs);
    return MICROSECONDS / rate.perSecond;
  };
}

async function measureCall(
  name: CallName,
  options: { inThread: Held; inWorker: Held; settings: Settings },
): Promise<void> {
  const { inThread, inWorker, settings } = options;
  const sampleMs = settings.sampleMs / 4;
  const call = CALLS[name];
  const samples = await interleave(settings.rounds, {
    thread: createSubject(inThread, { call, atATime: BATCH, sampleMs }),
    alone: createSubject(inWorker, { call, atATime: 1, sampleMs }),
    together: createSubject(inWorker, { call, atATime: BATCH, sampleMs }),
  });
  const unit = { unit: "µs", digits: 2 };
  printSamples(`${name}, in the thread`, samples.thread, unit);
  printSamples(`${name}, Worker, alone`, samples.alone, unit);
  const together = `${name}, Worker, ${BATCH} at a time`;
  if (WITHOUT_AIM.includes(name)) printSamples(together, samples.together, unit);
  else printAim(together, samples.together, { ...unit, aim: { atMost: 5 } });
}

async function run(settings: Settings): Promise<void> {
  const local = await LocalCryptoCore.create();
  const behindWorker = await WorkerCryptoCore.start();
  try {
    const texts = await signTexts(await createCoreNode(local), DISTINCT_TEXTS);
    const inThread = await prepare(local, texts);
    const inWorker = await prepare(behindWorker, texts);
    printTitle("worker", "one call of the crypto core, time until its promise resolves");
    for (const name of Object.keys(CALLS) as CallName[]) {
      await measureCall(name, { inThread, inWorker, settings });
    }
    printNote("a new text costs an Ed25519 verification, whichever way the core is held: no aim");
  } finally {
    await Promise.all([local.stop(), behindWorker.stop()]);
  }
}

/** Core calls through the Worker. */
export const worker: Benchmark = { name: "worker", run };
