/**
 * A file from one node's folder to another's, against a plain HTTP download between two processes of the runtime.
 *
 * @module
 */
import { WorkerBulk } from "../crypto/bulk_client.ts";
import { createLocalBulk } from "../crypto/bulk/file_chunks.ts";
import type { FileKey } from "../crypto/interface.ts";
import { systemClock } from "../ports/system.ts";
import { LocalNetwork } from "../scripts/local_network/network.ts";
import { sourcePrograms } from "../scripts/local_network/programs.ts";
import { Child } from "./child.ts";
import { Nodes, type Sample, sampleOf, writeRandom } from "./file_nodes.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { interleave, perCpuSecond, rateOf, ratiosOf } from "./statistics.ts";

const MIB = 2 ** 20;
const FILE_MIB = 512;
const QUICK_MIB = 256;
const MILLISECONDS = 1_000;

async function transfers(mib: number, settings: Settings): Promise<void> {
  await using network = await LocalNetwork.start({
    programs: sourcePrograms,
    names: ["sender", "receiver"],
    onLog: () => {},
    signal: new AbortController().signal,
  });
  const nodes = new Nodes(network);
  await nodes.meet();
  const path = `${nodes.sender.files}/file.bin`;
  await writeRandom(path, mib);
  await using server = Child.start("plain_download.ts");
  await using client = Child.start("plain_download.ts");
  const url = await server.call<string>("serve", path);
  const target = `${nodes.receiver.files}/plain.bin`;
  const samples = await interleave(settings.isQuick ? 1 : settings.rounds, {
    plain: async () => {
      const sample = await sampleOf(
        mib,
        [server.pid, client.pid],
        () => client.call("fetch", { url, path: target }),
      );
      await nodes.clear();
      return sample;
    },
    nodes: async () => {
      const offer = await nodes.offer(path);
      const sample = await sampleOf(mib, nodes.pids, () => nodes.fetch(offer));
      await nodes.clear();
      return sample;
    },
  });
  const rate = (all: readonly Sample[]) => all.map(({ mibPerSecond }) => mibPerSecond);
  const cpu = (all: readonly Sample[]) => all.map(({ cpuMs }) => cpuMs);
  printSamples("plain download", rate(samples.plain), { unit: "MiB/s" });
  printSamples("node to node", rate(samples.nodes), { unit: "MiB/s" });
  printAim("node to node / plain", ratiosOf(rate(samples.nodes), rate(samples.plain)), {
    unit: "×",
    digits: 2,
    aim: { atLeast: 0.9 },
  });
  printSamples("plain download, both ends", cpu(samples.plain), { unit: "ms CPU/MiB", digits: 2 });
  printSamples("node to node, both ends", cpu(samples.nodes), { unit: "ms CPU/MiB", digits: 2 });
}

const KEY: FileKey = {
  secret: new Uint8Array(32).fill(1),
  transfer: new Uint8Array(16).fill(2),
  part: "data",
  root: new Uint8Array(32).fill(3),
  length: 2 * MIB,
};

/** What one chunk costs by itself, in the caller's thread and through the Worker. */
async function chunks(settings: Settings): Promise<void> {
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
  for (const [name, text] of Object.entries(names)) {
    const rates = perCpuSecond(samples[name as keyof typeof names]);
    printSamples(text, ms(rates), { unit: "ms CPU", digits: 2 });
  }
}

export const files: Benchmark = {
  name: "files",
  isOptional: true,
  async run(settings) {
    const mib = settings.isQuick ? QUICK_MIB : FILE_MIB;
    printTitle("files", `a file of ${mib} MiB on loopback, and chunks of 1 MiB`);
    await chunks(settings);
    await transfers(mib, settings);
    printNote("a transfer is seen to have ended by polling");
  },
};
