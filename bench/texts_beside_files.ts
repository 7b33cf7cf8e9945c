/**
 * How long a text takes there and back between two nodes, alone, and while many files are on their way.
 *
 * @module
 */
import type { TransferView } from "../protocol/file_sharing_api.ts";
import { poll } from "../scripts/local_network/timeout.ts";
import { FileNodes, visibleIn, writeRandom } from "./file_nodes.ts";
import { printAim, printNote, printSamples } from "./report.ts";
import type { Settings } from "./settings.ts";
import { ratiosOf, spreadOf } from "./statistics.ts";

const FILES = 50;
const FILE_MIB = 16;
const QUICK_FILES = 10;
const QUICK_MIB = 4;
const ALONE = 40;
/** Between two texts, as if somebody wrote them. */
const PAUSE_MS = 50;
const WAIT_MS = 60_000;

/** Milliseconds until each text is on the other node's disk, until it is enough of them. */
async function textsUntil(
  { sender, receiver }: FileNodes,
  isEnough: (count: number) => boolean,
): Promise<readonly number[]> {
  const ms: number[] = [];
  while (!isEnough(ms.length)) {
    const startMs = performance.now();
    const text = `text ${ms.length}`;
    const { state } = await sender.admin.send({ peer: receiver.id, text, waitMs: WAIT_MS });
    if (state !== "delivered") throw new Error(`A text is ${state}`);
    ms.push(performance.now() - startMs);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return ms;
}

/** Has all of some offers fetched at once. @returns Whether they have landed. */
async function fetchAll(
  { receiver }: FileNodes,
  offers: readonly string[],
): Promise<() => boolean> {
  const { admin, files } = receiver;
  const count = visibleIn(files) + offers.length;
  for (const offer of offers) {
    await admin.files<TransferView>("POST", `/offers/${offer}/accept`, { folder: files });
  }
  return () => visibleIn(files) >= count;
}

/** Prints both, and their quotient. */
export async function textsBesideFiles({ isQuick }: Settings): Promise<void> {
  const [count, mib] = isQuick ? [QUICK_FILES, QUICK_MIB] : [FILES, FILE_MIB];
  await using nodes = await FileNodes.start();
  const { sender, receiver } = nodes;
  await receiver.admin.changePeer("allow", { peer: sender.id, permission: "message" });
  const offers: string[] = [];
  for (let at = 0; at < count; at++) {
    const path = `${sender.files}/${at}.bin`;
    await writeRandom(path, mib);
    offers.push(await nodes.offer(path));
  }
  await textsUntil(nodes, (texts) => texts >= ALONE / 2);
  const alone = await textsUntil(nodes, (texts) => texts >= ALONE);
  const hasLanded = await fetchAll(nodes, offers);
  const beside = await textsUntil(nodes, (texts) => texts > 0 && hasLanded());
  await poll(() => Promise.resolve(hasLanded() || null), { timeoutMs: WAIT_MS, what: "the files" });
  const medians = [beside, alone].map((all) => [spreadOf(all).median]) as [number[], number[]];
  printSamples("a text alone", alone, { unit: "ms" });
  printSamples(`a text beside ${count} files of ${mib} MiB`, beside, { unit: "ms" });
  printAim("beside them / alone, medians", ratiosOf(...medians), {
    unit: "×",
    digits: 2,
    aim: { atMost: 2 },
  });
  printNote("a text counts until it lies on the other node's disk and this node knows");
}
