/**
 * What a directory of so many nodes costs and how long it makes others wait.
 *
 * @module
 */
import type { CryptoCore } from "../../crypto/interface.ts";
import type { DirectoryStore } from "../../directory/stores/store.ts";
import { pause } from "../../scripts/local_network/timeout.ts";
import { CentralProcess } from "../central_process.ts";
import { residentMiBOf } from "../started_program.ts";
import { OLD_MS } from "./filling.ts";
import type { Place } from "./places.ts";
import { serveLoad } from "./serving.ts";

/** Beside a sweep. */
const LOOKS_A_SECOND = 500;
const PAGES = 200;
const KEPT_IDS = 20_000;
/** What a directory does between two steps of a sweep. */
const REST_MS = 10;

/** Milliseconds and MiB. */
export interface Measured {
  readonly fillS: number;
  readonly startMs: number;
  readonly memoryMiB: number;
  /** Of the server beside it, 0 without one. */
  readonly serverMiB: number;
  readonly lookP50: number;
  readonly lookP99: number;
  /** Of a server that does nothing else, beside the same announcements. */
  readonly bareP99: number;
  readonly pageP50: number;
  readonly aliasP50: number;
  readonly announced: number;
  /** One step of forgetting until it is on disk, and a look-up beside it from when it was due. */
  readonly sweepStepP50: number;
  readonly sweepLookP99: number;
  readonly sweepLookMax: number;
}

function at(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const fromMs = performance.now();
  await run();
  return performance.now() - fromMs;
}

async function read(url: string, expected: number): Promise<void> {
  const answer = await fetch(url);
  await answer.body?.cancel();
  if (answer.status !== expected) throw new Error(`${url}: ${answer.status}`);
}

/** Sweeps as a directory does, with a rest after each step, and asks all the time. */
async function measureSweep(
  store: DirectoryStore,
  options: { readonly ids: readonly string[]; readonly nowMs: number },
): Promise<Pick<Measured, "sweepStepP50" | "sweepLookP99" | "sweepLookMax">> {
  const { ids, nowMs } = options;
  const steps: number[] = [];
  const looks: number[] = [];
  let isDone = false;
  const looking = async () => {
    while (!isDone) {
      const id = ids[(looks.length * 7_919) % ids.length];
      const dueMs = performance.now() + 1000 / LOOKS_A_SECOND;
      await pause(1000 / LOOKS_A_SECOND);
      await store.find(id as never);
      looks.push(performance.now() - dueMs);
    }
  };
  const looked = looking();
  while (!isDone) {
    let isLast = false;
    steps.push(
      await timed(async () => {
        ({ isDone: isLast } = await store.sweep({
          nowMs,
          proofsBefore: 0,
          leasesBefore: nowMs - OLD_MS / 2,
          latestLeaseEnd: null,
          countsAt: { activeAfter: nowMs, recentAfter: nowMs - OLD_MS / 2 },
        }));
      }),
    );
    await pause(REST_MS);
    isDone = isLast;
  }
  await looked;
  return {
    sweepStepP50: at(steps, 0.5),
    sweepLookP99: at(looks, 0.99),
    sweepLookMax: Math.max(...looks),
  };
}

/** Fills a place with so many nodes and measures it. */
export async function measure(
  place: Place,
  options: { readonly nodes: number; readonly core: CryptoCore },
): Promise<Measured> {
  const { nodes, core } = options;
  const nowMs = Date.now();
  let ids: readonly string[] = [];
  const fillMs = await timed(async () =>
    void (ids = await place.fill({ nodes, nowMs, kept: KEPT_IDS }))
  );
  const store = await place.open();
  const sweep = await measureSweep(store, { ids, nowMs });
  await store.close();
  // Makes the keys, so that the start that is measured only opens them.
  await (await CentralProcess.start(place))[Symbol.asyncDispose]();
  const fromMs = performance.now();
  await using central = await CentralProcess.start(place);
  const startMs = performance.now() - fromMs;
  const { url } = central;
  const { looks, bareLooks, announcedPerSecond } = await serveLoad(url, { ids, core });
  const list = `${url}/api/v3/nodes/discover?limit=100`;
  const pages: number[] = [];
  const aliases: number[] = [];
  for (let count = 0; count < PAGES; count++) {
    pages.push(await timed(() => read(`${list}&x=${count}`, 200)));
    aliases.push(await timed(() => read(`${list}&alias=name+${count}`, 200)));
  }
  return {
    fillS: fillMs / 1000,
    startMs,
    memoryMiB: residentMiBOf(central.pid),
    serverMiB: place.serverPid === null ? 0 : residentMiBOf(place.serverPid),
    lookP50: at(looks, 0.5),
    lookP99: at(looks, 0.99),
    bareP99: at(bareLooks, 0.99),
    pageP50: at(pages, 0.5),
    aliasP50: at(aliases, 0.5),
    announced: announcedPerSecond,
    ...sweep,
  };
}
