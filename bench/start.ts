/**
 * How long the programs take until they are ready, and what they keep resident, beside an empty HTTP server.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { argon2id } from "../crypto/primitives/hashes.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { type Start, startOnce } from "./started_program.ts";
import { interleave, usedCpuMs } from "./statistics.ts";

/** What a keystore costs unless told otherwise. */
const KEYSTORE_COST = { memoryKiB: 65_536, passes: 3 } as const;

const AIMS = {
  node: { readyMs: 700, residentMiB: 130 },
  directory: { readyMs: 450, residentMiB: 110 },
} as const;

/** Of an empty server with one key derivation, and of an empty server. */
const RATIO_AIMS = { ready: 1.2, resident: 1.5 } as const;

function wordsOf(program: "node" | "central", data: string): readonly string[] {
  return [`${program}.ts`, "run", "--json", "--listen", "127.0.0.1:0", "--data", data];
}

/** Milliseconds of processor time that one derivation of the keystore's key takes. */
async function stretchCpuMs(): Promise<number> {
  const before = usedCpuMs();
  await argon2id({
    ...KEYSTORE_COST,
    secret: new Uint8Array(32),
    salt: new Uint8Array(16),
    length: 32,
  });
  return usedCpuMs() - before;
}

/** A start in an empty directory. */
async function startFirst(program: "node" | "central", restMs: number): Promise<Start> {
  const data = await Deno.makeTempDir({ prefix: "openred-bench-" });
  try {
    return await startOnce(wordsOf(program, data), { restMs });
  } finally {
    await Deno.remove(data, { recursive: true });
  }
}

/** Compiled before, by whichever runtime; `null` where there are none. */
async function findBinaries(): Promise<string | null> {
  const folder = Deno.env.get("BENCH_BINARIES") ??
    fileURLToPath(new URL("../dist", import.meta.url));
  const found = await Promise.all(
    ["openred-central", "openred-node"].map((name) =>
      Deno.stat(`${folder}/${name}`).then(({ isFile }) => isFile, () => false)
    ),
  );
  return found.every((isThere) => isThere) ? folder : null;
}

/** Both compiled programs, each on data that an earlier start has left. */
async function measureBinaries(
  folder: string,
  { rounds, restMs }: { readonly rounds: number; readonly restMs: number },
): Promise<void> {
  for (const program of ["central", "node"] as const) {
    const data = await Deno.makeTempDir({ prefix: "openred-bench-" });
    const binary = `${folder}/openred-${program}`;
    const [, ...words] = wordsOf(program, data);
    try {
      await startOnce(words, { binary, restMs: 0 });
      const { starts } = await interleave(rounds, {
        starts: () => startOnce(words, { binary, restMs }),
      });
      const beyond = starts.map(({ readyMs, stretchMs }) => readyMs - stretchMs);
      printSamples(`openred-${program}, ready beyond the key derivation`, beyond, { unit: "ms" });
      printSamples(`openred-${program}, all of it`, starts.map(({ cpuMs }) => cpuMs), {
        unit: "ms CPU",
      });
      printSamples(`openred-${program}, resident`, starts.map((start) => start.residentMiB), {
        unit: "MiB",
      });
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  }
}

function printProgram(
  name: keyof typeof AIMS,
  { starts, empty, stretchCpu }: {
    readonly starts: readonly Start[];
    /** Of the same rounds. */
    readonly empty: readonly Start[];
    readonly stretchCpu: readonly number[];
  },
): void {
  const aim = AIMS[name];
  const beyond = starts.map(({ readyMs, stretchMs }) => readyMs - stretchMs);
  printAim(`${name}, ready beyond the key derivation`, beyond, {
    unit: "ms",
    aim: { atMost: aim.readyMs },
  });
  const ofProcessor = starts.map(({ cpuMs }, round) => cpuMs - stretchCpu[round]!);
  printSamples(`${name}, the same by processor time`, ofProcessor, { unit: "ms CPU" });
  printSamples(`${name}, the key derivation`, starts.map(({ stretchMs }) => stretchMs), {
    unit: "ms",
  });
  printAim(`${name}, resident`, starts.map(({ residentMiB }) => residentMiB), {
    unit: "MiB",
    aim: { atMost: aim.residentMiB },
  });
  const ready = starts.map(({ readyMs, stretchMs }, round) =>
    readyMs / (empty[round]!.readyMs + stretchMs)
  );
  printAim(`${name}, ready, of an empty server and the key derivation`, ready, {
    unit: "×",
    digits: 2,
    aim: { atMost: RATIO_AIMS.ready },
  });
  const resident = starts.map(({ residentMiB }, round) => residentMiB / empty[round]!.residentMiB);
  printAim(`${name}, resident, of an empty server`, resident, {
    unit: "×",
    digits: 2,
    aim: { atMost: RATIO_AIMS.resident },
  });
}

async function run({ rounds, sampleMs }: Settings): Promise<void> {
  const restMs = Math.max(sampleMs, 1_000);
  const node = await Deno.makeTempDir({ prefix: "openred-bench-" });
  const directory = await Deno.makeTempDir({ prefix: "openred-bench-" });
  try {
    const samples = await interleave(rounds, {
      empty: () => startOnce(["bench/programs/empty_server.ts"], { restMs }),
      directory: () => startOnce(wordsOf("central", directory), { restMs }),
      node: () => startOnce(wordsOf("node", node), { restMs }),
      firstNode: () => startFirst("node", 0),
    });
    const { stretch: stretchCpu } = await interleave(rounds, { stretch: stretchCpuMs });
    printTitle("start", "from the start of the process, run from source, until it is ready");
    const { empty, firstNode } = samples;
    printSamples("an empty HTTP server, ready", empty.map(({ readyMs }) => readyMs), {
      unit: "ms",
    });
    printSamples("an empty HTTP server", empty.map(({ cpuMs }) => cpuMs), { unit: "ms CPU" });
    printSamples("an empty HTTP server, resident", empty.map((start) => start.residentMiB), {
      unit: "MiB",
    });
    printSamples("one key derivation", stretchCpu, { unit: "ms CPU" });
    printProgram("directory", { starts: samples.directory, empty, stretchCpu });
    printProgram("node", { starts: samples.node, empty, stretchCpu });
    const first = firstNode.map(({ readyMs }) => readyMs);
    printSamples("node, first start, its keys made", first, { unit: "ms" });
    const binaries = await findBinaries();
    if (binaries === null) printNote("no binaries in dist/ or BENCH_BINARIES: they are left out");
    else await measureBinaries(binaries, { rounds, restMs });
    printNote("the key derivation is Argon2id of 64 MiB and 3 passes, as the program's log tells");
    printNote(
      "processor time counts all threads, and not what one derivation in this process takes",
    );
  } finally {
    await Deno.remove(node, { recursive: true });
    await Deno.remove(directory, { recursive: true });
  }
}

/** Starts and memory of both programs. */
export const start: Benchmark = { name: "start", run };
