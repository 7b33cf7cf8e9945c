/**
 * Two nodes behind a relay against two that call each other: messages, a file, and what a link costs the relay.
 *
 * @module
 */
import { FileNodes, writeRandom } from "./file_nodes.ts";
import { cpuSecondsDuring } from "./process_cpu.ts";
import { openLinks } from "./relay_links.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { interleave, ratiosOf } from "./statistics.ts";

const FILE_MIB = 64;
const QUICK_MIB = 8;
const MESSAGES = 200;
const QUICK_MESSAGES = 20;
const AT_A_TIME = 20;
const WAIT_MS = 60_000;
const LINKS = 200;
const GIB = 2 ** 30;

/** How a transfer went. */
interface Sample {
  readonly mibPerSecond: number;
  /** Of the relay, for each MiB. */
  readonly cpuMs: number;
}

function startNodes(isRelayed: boolean): Promise<FileNodes> {
  return FileNodes.start({
    isRelayed,
    // Rates are what is measured here, so none is kept; and more links come from here than one address may have.
    wordsOf: (name) =>
      isRelayed && name === "directory"
        ? ["--relay-node-rate", "0", "--relay-caller-rate", "0", "--relay-nodes", "0"]
          .concat("--relay-nodes-per-address", "0", "--relay-calls-per-minute", "0")
          .concat("--trusted-proxies", "127.0.0.1")
        : [],
  });
}

/** Messages a second, twenty under way at a time, each acknowledged by the other node's disk. */
async function messagesOf({ sender, receiver }: FileNodes, count: number): Promise<number> {
  const startMs = performance.now();
  for (let sent = 0; sent < count; sent += AT_A_TIME) {
    await Promise.all(Array.from({ length: AT_A_TIME }, async (_, at) => {
      const text = `message ${sent + at}`;
      const { state } = await sender.admin.send({ peer: receiver.id, text, waitMs: WAIT_MS });
      if (state !== "delivered") throw new Error(`A message is ${state}`);
    }));
  }
  return count * 1_000 / (performance.now() - startMs);
}

async function fileOf(nodes: FileNodes, mib: number, relayPid: number): Promise<Sample> {
  const offer = await nodes.offer(`${nodes.sender.files}/file.bin`);
  const startMs = performance.now();
  const cpu = await cpuSecondsDuring([relayPid], () => nodes.fetch(offer));
  const elapsedMs = performance.now() - startMs;
  await nodes.clear();
  return { mibPerSecond: mib * 1_000 / elapsedMs, cpuMs: cpu * 1_000 / mib };
}

async function compare(settings: Settings): Promise<void> {
  const mib = settings.isQuick ? QUICK_MIB : FILE_MIB;
  const count = settings.isQuick ? QUICK_MESSAGES : MESSAGES;
  await using a = await startNodes(false);
  await using b = await startNodes(true);
  for (const { sender, receiver } of [a, b]) {
    await receiver.admin.changePeer("allow", { peer: sender.id, permission: "message" });
    await writeRandom(`${sender.files}/file.bin`, mib);
  }
  const relayPid = b.directory.child.pid;
  const rounds = settings.isQuick ? 1 : settings.rounds;
  const messages = await interleave(rounds, {
    direct: () => messagesOf(a, count),
    relayed: () => messagesOf(b, count),
  });
  printSamples("messages, direct", messages.direct, { unit: "/s" });
  printSamples("messages, through a relay", messages.relayed, { unit: "/s" });
  printAim("through a relay / direct", ratiosOf(messages.relayed, messages.direct), {
    unit: "×",
    digits: 2,
    aim: { atLeast: 0.5 },
  });
  const files = await interleave(rounds, {
    direct: () => fileOf(a, mib, relayPid),
    relayed: () => fileOf(b, mib, relayPid),
  });
  const rate = (all: readonly Sample[]) => all.map(({ mibPerSecond }) => mibPerSecond);
  printSamples("a file, direct", rate(files.direct), { unit: "MiB/s" });
  printSamples("a file, through a relay", rate(files.relayed), { unit: "MiB/s" });
  printAim("through a relay / direct", ratiosOf(rate(files.relayed), rate(files.direct)), {
    unit: "×",
    digits: 2,
    aim: { atLeast: 0.3 },
  });
  const cpu = files.relayed.map(({ cpuMs }) => cpuMs);
  printSamples("the relay alone", cpu, { unit: "ms CPU/MiB", digits: 2 });
  const bytes = await openLinks({ url: b.directory.url, pid: relayPid, count: LINKS });
  printNote(
    `${Math.round(bytes / 1_024)} KiB resident for each idle link: ` +
      `about ${Math.floor(GIB / bytes).toLocaleString("en")} nodes in 1 GiB`,
  );
}

export const relay: Benchmark = {
  name: "relay",
  isOptional: true,
  async run(settings) {
    printTitle("relay", "two node processes, through a relay and without one");
    await compare(settings);
  },
};
