/**
 * Whole handshakes between two processes against the public-key operations they are made of.
 *
 * @module
 */
import { randomFillSync } from "node:crypto";
import { DhKey } from "../crypto/primitives/curves.ts";
import { createKem, type Kem } from "../crypto/primitives/mlkem.ts";
import { NodeProcesses } from "./node_processes.ts";
import { cpuSecondsDuring } from "./process_cpu.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { interleave, rateOf, ratiosOf } from "./statistics.ts";

const PAIRS = 16;
const DH_PER_HANDSHAKE = 8;
const KEYS_PER_HANDSHAKE = 2;
const MILLISECONDS = 1_000;
/** About how many handshakes two processes make in a second; only for how long a sample takes. */
const EXPECTED_PER_SECOND = 128;

function randomBytes(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}

/** Eight X25519, two new keys, and ML-KEM-768 once through. */
async function runPublicKeyOperations(
  kem: Kem,
  keys: { own: DhKey; peer: Uint8Array },
): Promise<number> {
  for (let i = 0; i < KEYS_PER_HANDSHAKE; i++) DhKey.fromPrivate(randomBytes(32));
  for (let i = 0; i < DH_PER_HANDSHAKE; i++) keys.own.dh(keys.peer);
  const { publicKey, secret } = await kem.generate();
  const { ciphertext } = await kem.encapsulate(publicKey);
  await kem.decapsulate(secret, ciphertext);
  return 1;
}

interface Sample {
  readonly perSecond: number;
  /** Milliseconds of processor time of everything that took part, for one handshake. */
  readonly cpuMs: number;
}

async function callAll(processes: NodeProcesses, each: number): Promise<Sample> {
  let seconds = 0;
  let count = 0;
  const cpu = await cpuSecondsDuring(processes.pids, async () => {
    const startMs = performance.now();
    count = await processes.a.call<number>("callAll", { first: 0, each });
    seconds = (performance.now() - startMs) / 1_000;
  });
  return { perSecond: count / seconds, cpuMs: cpu / count * MILLISECONDS };
}

function printHandshakes(name: string, samples: readonly Sample[]): void {
  const rates = samples.map(({ perSecond }) => perSecond);
  printSamples(`handshakes, ${name}`, rates, { unit: "handshakes/s" });
  const times = samples.map(({ cpuMs }) => cpuMs);
  printSamples(`one handshake, ${name}`, times, { unit: "ms CPU", digits: 2 });
}

async function run({ rounds, sampleMs }: Settings): Promise<void> {
  const kem = createKem(randomBytes);
  const own = DhKey.fromPrivate(randomBytes(32));
  const keys = { own, peer: DhKey.fromPrivate(randomBytes(32)).publicKey };
  await using inMemory = await NodeProcesses.start({ count: PAIRS, isDurable: false });
  await using onDisk = await NodeProcesses.start({ count: PAIRS, isDurable: true });
  const each = Math.max(1, Math.round(sampleMs * EXPECTED_PER_SECOND / 1_000 / PAIRS));
  const samples = await interleave(rounds, {
    operations: async (): Promise<Sample> => {
      const rate = await rateOf(() => runPublicKeyOperations(kem, keys), sampleMs);
      return { perSecond: rate.perSecond, cpuMs: MILLISECONDS / rate.perCpuSecond };
    },
    inMemory: () => callAll(inMemory, each),
    onDisk: () => callAll(onDisk, each),
  });
  const times = (list: readonly Sample[]) => list.map(({ cpuMs }) => cpuMs);
  const operations = times(samples.operations);
  const ratio = { unit: "×", digits: 2 };
  printTitle(
    "handshakes",
    `ik-x25519-mlkem768 between two processes, ${PAIRS} pairs of nodes at once`,
  );
  printSamples("8 X25519, 2 keys, 1 ML-KEM-768", operations, { unit: "ms CPU", digits: 2 });
  printHandshakes("data in memory", samples.inMemory);
  printHandshakes("data on disk", samples.onDisk);
  printAim("handshake ÷ operations, in memory", ratiosOf(times(samples.inMemory), operations), {
    ...ratio,
    aim: { atMost: 2 },
  });
  printSamples(
    "handshake ÷ operations, on disk",
    ratiosOf(times(samples.onDisk), operations),
    ratio,
  );
  printNote("message 1 and 2, the hellos, core.keep and its core.ack, every store they need");
  printNote("both records are known, so no signature is verified in either column");
}

/** Handshakes against their public-key operations. */
export const handshakes: Benchmark = { name: "handshakes", run };
