/**
 * The token vault: opening it, and saving one token, with 10,000 tokens in it.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { WorkerCryptoCore } from "../crypto/client.ts";
import { encodeUtf8, type NodeId } from "../crypto/encoding.ts";
import type { CryptoCore, KeyRef, StoredHalf } from "../crypto/interface.ts";
import { NodeEvents } from "../peer/events/events.ts";
import { newEntry, type PairEntry, TokenVault } from "../peer/tokens/vault.ts";
import type { Files } from "../ports/ports.ts";
import { openFiles, systemClock } from "../ports/system.ts";
import { printAim, printNote, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { CHEAP_COST, createCoreNode, establishSession } from "./two_nodes.ts";

const TOKENS = 10_000;
const TOKENS_PER_PEER = 8;
const SAVES_PER_ROUND = 100;
const DAY_MS = 86_400_000;
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** An id of the form; nobody's. */
function peerName(number: number): NodeId {
  const digits = [2, 1, 0].map((place) => BASE58[Math.floor(number / 58 ** place) % 58]);
  return `z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbL${digits.join("")}` as NodeId;
}

function createEntry(stored: StoredHalf, peer: NodeId): PairEntry {
  const endsAt = Date.now() + 30 * DAY_MS;
  const confirmedAt = Date.now();
  return {
    ...newEntry(stored, peer),
    pairId: Buffer.from(randomBytes(16)).toString("hex"),
    endsAt,
    standby: { sessionId: "0".repeat(32), role: "initiator", confirmedAt },
  };
}

interface World {
  readonly crypto: CryptoCore;
  readonly key: KeyRef;
  readonly files: Files;
  readonly half: StoredHalf;
}

async function createWorld(crypto: CryptoCore, folder: string): Promise<World> {
  const a = await createCoreNode(crypto);
  const b = await createCoreNode(crypto);
  const directory = await createCoreNode(crypto);
  const { standby } = (await establishSession({ a, b, directory })).a;
  const secret = "benchmark";
  const { sealed } = await crypto.createKeystore({ secret: encodeUtf8(secret), cost: CHEAP_COST });
  const { vault } = await crypto.openKeystore({ sealed, secret: encodeUtf8(secret) });
  return { crypto, key: vault, files: openFiles(folder), half: standby[0]! };
}

function openVault({ crypto, files, key }: World): TokenVault {
  const events = new NodeEvents({ log: () => {} });
  return new TokenVault({ crypto, files, clock: systemClock, events }, key);
}

async function timed(run: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

async function openOnce(world: World): Promise<number> {
  const vault = openVault(world);
  const elapsedMs = await timed(() => vault.load());
  if (vault.all().length !== TOKENS) throw new Error("Tokens are missing");
  const halves = vault.all().flatMap(({ half }) => half ?? []);
  await Promise.all(halves.map((half) => world.crypto.release(half)));
  return elapsedMs;
}

async function run({ rounds, isQuick }: Settings): Promise<void> {
  const folder = await Deno.makeTempDir();
  const crypto = await WorkerCryptoCore.start();
  try {
    const world = await createWorld(crypto, folder);
    const vault = openVault(world);
    const put = Array.from(
      { length: TOKENS },
      (_, at) => createEntry(world.half, peerName(Math.floor(at / TOKENS_PER_PEER))),
    );
    await vault.commit({ put });
    const saves: number[] = [];
    for (let save = 0; save < (isQuick ? 1 : rounds) * SAVES_PER_ROUND; save++) {
      const entry = { ...put[save % TOKENS]!, session: String(save) };
      saves.push(await timed(() => vault.commit({ put: [entry] })));
    }
    const opens: number[] = [];
    for (let round = 0; round < rounds; round++) opens.push(await openOnce(world));
    const { size } = await Deno.stat(`${folder}/.env`);
    printTitle("vault", `${TOKENS} tokens in a file of ${(size / 2 ** 20).toFixed(1)} MiB`);
    const unit = { unit: "ms", digits: 2 };
    printAim("save one token, durably", saves, { ...unit, aim: { atMost: 5 } });
    printAim("open, without the key derivation", opens, { ...unit, aim: { atMost: 300 } });
    printNote("a save is acknowledged once it is on disk (fdatasync); the core runs in its Worker");
  } finally {
    await crypto.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

/** The token vault at 10,000 tokens. */
export const vault: Benchmark = { name: "vault", run };
