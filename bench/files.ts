/**
 * A file from one node's folder to another's, against a plain HTTP download between two processes of the runtime, and
 * what others have made for it.
 *
 * @module
 */
import { WorkerBulk } from "../crypto/bulk_client.ts";
import { createLocalBulk } from "../crypto/bulk/file_chunks.ts";
import type { FileKey } from "../crypto/interface.ts";
import { systemClock } from "../ports/system.ts";
import { Child } from "./child.ts";
import { FileNodes, writeRandom } from "./file_nodes.ts";
import { FILE_TOOLS, type FileTool, type RunningTool, whyMissing } from "./file_tools.ts";
import { cpuSecondsDuring } from "./process_cpu.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { interleave, perCpuSecond, rateOf, ratiosOf, spreadOf } from "./statistics.ts";
import { textsBesideFiles } from "./texts_beside_files.ts";

const MIB = 2 ** 20;
const FILE_MIB = 512;
const QUICK_MIB = 256;
const MILLISECONDS = 1_000;

/** How a sample of a transfer went. */
interface Sample {
  readonly mibPerSecond: number;
  /** Of both processes, for each MiB. */
  readonly cpuMs: number;
}

async function sampleOf(
  mib: number,
  pids: readonly number[],
  run: () => Promise<void>,
): Promise<Sample> {
  const startMs = performance.now();
  const cpu = await cpuSecondsDuring(pids, run);
  const elapsedMs = performance.now() - startMs;
  return { mibPerSecond: mib * MILLISECONDS / elapsedMs, cpuMs: cpu * MILLISECONDS / mib };
}

/** Programs of others that are there, running. @param stack Ends them. */
async function startTools(
  folder: string,
  stack: AsyncDisposableStack,
): Promise<ReadonlyMap<FileTool, RunningTool>> {
  const running = new Map<FileTool, RunningTool>();
  for (const [number, tool] of FILE_TOOLS.entries()) {
    const why = await whyMissing(tool);
    if (why !== null) {
      printNote(`${tool.name} is not measured: ${why}`);
      continue;
    }
    const own = `${folder}/tool-${number}`;
    await Deno.mkdir(own, { mode: 0o700 });
    running.set(tool, stack.use(await tool.start(own)));
  }
  return running;
}

/** As whatever lands in a node's folder is. */
async function makeDurable(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.sync();
}

interface Subjects {
  readonly nodes: FileNodes;
  readonly path: string;
  readonly mib: number;
  readonly stack: AsyncDisposableStack;
}

/** A plain download into the receiver's folder. */
async function plainSubject(
  { nodes, path, mib, stack }: Subjects,
): Promise<() => Promise<Sample>> {
  const server = stack.use(Child.start("plain_download.ts"));
  const client = stack.use(Child.start("plain_download.ts"));
  const url = await server.call<string>("serve", path);
  const target = `${nodes.receiver.files}/plain.bin`;
  const fetch = () => client.call<void>("fetch", { url, path: target });
  return async () => {
    const sample = await sampleOf(mib, [server.pid, client.pid], fetch);
    await nodes.clear();
    return sample;
  };
}

function toolSubject({ nodes, path, mib }: Subjects, tool: RunningTool): () => Promise<Sample> {
  const target = `${nodes.receiver.files}/tool.bin`;
  return async () => {
    const sample = await sampleOf(mib, [], async () => {
      await tool.bring(path, target);
      await makeDurable(target);
    });
    await nodes.clear();
    return sample;
  };
}

const rates = (all: readonly Sample[]) => all.map(({ mibPerSecond }) => mibPerSecond);
const costs = (all: readonly Sample[]) => all.map(({ cpuMs }) => cpuMs);

async function transfers(mib: number, settings: Settings, cryptoMs: number): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const nodes = stack.use(await FileNodes.start());
  const [from, to] = [nodes.sender.child.pid, nodes.receiver.child.pid];
  const path = `${nodes.sender.files}/file.bin`;
  await writeRandom(path, mib);
  const subjects = { nodes, path, mib, stack };
  const hashed: Sample[] = [];
  const tools = await startTools(nodes.sender.files, stack);
  const samples = await interleave<string, Sample>(settings.isQuick ? 1 : settings.rounds, {
    plain: await plainSubject(subjects),
    nodes: async () => {
      let offer = "";
      hashed.push(await sampleOf(mib, [from], async () => void (offer = await nodes.offer(path))));
      const sample = await sampleOf(mib, [from, to], () => nodes.fetch(offer));
      await nodes.clear();
      return sample;
    },
    ...Object.fromEntries(
      [...tools].map(([{ name }, tool]) => [name, toolSubject(subjects, tool)]),
    ),
  });
  const ours = rates(samples.nodes!);
  const plain = rates(samples.plain!);
  printSamples("plain download", plain, { unit: "MiB/s" });
  printSamples("node to node", ours, { unit: "MiB/s" });
  const aim = (atLeast: number) => ({ unit: "×", digits: 2, aim: { atLeast } });
  printAim("node to node / plain", ratiosOf(ours, plain), aim(0.9));
  for (const { name } of tools.keys()) {
    const theirs = rates(samples[name]!);
    printSamples(name, theirs, { unit: "MiB/s" });
    printAim(`node to node / ${name}`, ratiosOf(ours, theirs), aim(1));
  }
  const cpu = { unit: "ms CPU/MiB", digits: 2 };
  printSamples("plain download, both ends", costs(samples.plain!), cpu);
  printSamples("node to node, both ends", costs(samples.nodes!), cpu);
  const floor = costs(samples.plain!).map((ms) => ms + cryptoMs);
  printSamples("plain, and what hashing and sealing cost", floor, cpu);
  const processors = navigator.hardwareConcurrency;
  const most = floor.map((ms) => processors * MILLISECONDS / ms);
  printSamples(`the same, with all ${processors} processors at it`, most, { unit: "MiB/s" });
  printSamples("a file read, hashed and offered", costs(hashed.slice(1)), cpu);
  printSamples("the same", rates(hashed.slice(1)), { unit: "MiB/s" });
}

const KEY: FileKey = {
  secret: new Uint8Array(32).fill(1),
  transfer: new Uint8Array(16).fill(2),
  part: "data",
  root: new Uint8Array(32).fill(3),
  length: 2 * MIB,
};

/**
 * What one chunk costs by itself, in the caller's thread and through the Worker.
 * @returns What both ends have to spend on it, in milliseconds of a processor.
 */
async function chunks(settings: Settings): Promise<number> {
  const local = createLocalBulk();
  const worker = new WorkerBulk(systemClock);
  const content = crypto.getRandomValues(new Uint8Array(65_536));
  const chunk = () => {
    const data = new Uint8Array(MIB);
    for (let at = 0; at < MIB; at += content.length) data.set(content, at);
    return data;
  };
  const root = await local.hashChunk({ data: chunk(), isWhole: true });
  const of = { key: KEY, number: 0, isWhole: true, root };
  const sealed = (await local.sealChunk({ ...of, data: chunk() }))!;
  const each = (work: () => Promise<unknown>) => () =>
    rateOf(async () => {
      await work();
      return 1;
    }, settings.sampleMs);
  const samples = await interleave(settings.rounds, {
    copy: each(() => Promise.resolve(chunk())),
    hash: each(() => local.hashChunk({ data: chunk(), isWhole: true })),
    seal: each(() => local.sealChunk({ ...of, data: chunk() })),
    open: each(() => local.openChunk({ ...of, sealed: sealed.slice() })),
    worker: each(() => worker.sealChunk({ ...of, data: chunk() })),
  });
  worker.stop();
  const ms = (rates: readonly number[]) => rates.map((rate) => MILLISECONDS / rate);
  const names = {
    copy: "a chunk made and copied, in each row below",
    hash: "hashed",
    seal: "hashed and sealed",
    open: "opened and hashed",
    worker: "hashed and sealed in the Worker",
  };
  const costs = (name: keyof typeof names) => ms(perCpuSecond(samples[name]));
  for (const [name, text] of Object.entries(names)) {
    printSamples(text, costs(name as keyof typeof names), { unit: "ms CPU", digits: 2 });
  }
  const median = (name: keyof typeof names) => spreadOf(costs(name)).median;
  return median("seal") + median("open") - 2 * median("copy");
}

export const files: Benchmark = {
  name: "files",
  isOptional: true,
  async run(settings) {
    const mib = settings.isQuick ? QUICK_MIB : FILE_MIB;
    printTitle("files", `a file of ${mib} MiB on loopback, and chunks of 1 MiB`);
    const cryptoMs = await chunks(settings);
    await transfers(mib, settings, cryptoMs);
    printNote("a transfer is seen to have ended by polling, each 10 ms");
    await textsBesideFiles(settings);
  },
};
