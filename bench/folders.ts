/**
 * A folder of many small files from one node to another, beside a copy of it by the system.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { createOwnerFiles } from "../ports/system_owner_files.ts";
import type { ShareView } from "../protocol/file_sharing_api.ts";
import { poll } from "../scripts/local_network/timeout.ts";
import { SharingNodes } from "../tests/modules/file_sharing/sharing_nodes.ts";
import { printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";

const FILES = 20_000;
const FILES_QUICK = 1_000;
const FILES_OF_FOLDER = 100;
const MAX_FILE_BYTES = 8_192;
/** Longer than a test may wait: a busy machine takes minutes. */
const LIMIT_MS = 1_200_000;

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Files of 500 bytes to 8 KiB in folders of a hundred. */
function makeFiles(folder: string, count: number): void {
  const content = crypto.getRandomValues(new Uint8Array(MAX_FILE_BYTES));
  for (let n = 0; n < count; n++) {
    const inner = `${folder}/${Math.floor(n / FILES_OF_FOLDER)}`;
    if (n % FILES_OF_FOLDER === 0) Deno.mkdirSync(inner, { recursive: true });
    const length = 500 + (n * 2_741) % (MAX_FILE_BYTES - 500);
    Deno.writeFileSync(`${inner}/${n}.txt`, content.subarray(0, length));
  }
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const before = cpuUsage();
  const startMs = performance.now();
  await work();
  const { user, system } = cpuUsage(before);
  return { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1_000 };
}

function print(what: string, count: number, { wallMs, cpuMs }: Cost): void {
  printSamples(what, [wallMs / 1_000], { unit: "s", digits: 1 });
  printSamples("  of the processor, for each file", [cpuMs / count], { unit: "ms CPU", digits: 2 });
}

async function copy(from: string, to: string): Promise<void> {
  const { success } = await new Deno.Command("cp", { args: ["-r", from, to] }).output();
  if (!success) throw new Error("cp failed");
}

async function run({ isQuick }: Settings): Promise<void> {
  const count = isQuick ? FILES_QUICK : FILES;
  await using nodes = new SharingNodes();
  const { alice, bob } = nodes;
  for (const node of [alice, bob]) node.ports = { disk: createOwnerFiles(node.data) };
  await nodes.begin();
  const folder = `${alice.folder}/many`;
  makeFiles(folder, count);
  printTitle("folders", `${count} small files, both nodes in one process`);
  const listed = await costOf(async () => {
    const input = { peer: bob.id, paths: [folder] };
    const { id } = await alice.ask<ShareView>("POST", "/m/file_sharing/shares", input);
    const hashed = async () => (await alice.shown(id)).state !== "hashing" || null;
    await poll(hashed, { timeoutMs: LIMIT_MS, what: "the files to be hashed" });
  });
  print("listed, hashed and offered", count, listed);
  const { id } = await bob.offered();
  const fetched = await costOf(async () => {
    await bob.accept(id);
    const ended = async () => {
      const transfer = await bob.transfer(id);
      return ["done", "failed", "paused"].includes(transfer.state) ? transfer : null;
    };
    const what = "the folder to arrive";
    const { state, why } = await poll(ended, { timeoutMs: LIMIT_MS, what });
    if (state !== "done") throw new Error(`The transfer is ${state}: ${why}`);
  });
  print("fetched, checked and landed", count, fetched);
  const copied = await costOf(() => copy(folder, `${bob.folder}/copy`));
  printSamples("cp -r of the same, nothing synced", [copied.wallMs / 1_000], {
    unit: "s",
    digits: 1,
  });
  printNote(`resident memory of both nodes ${Math.round(Deno.memoryUsage().rss / 2 ** 20)} MiB`);
}

/** Many small files. */
export const folders: Benchmark = { name: "folders", run };
