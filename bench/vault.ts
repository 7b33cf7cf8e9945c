/**
 * The token vault: opening it, and saving one token, with 10,000 tokens in it.
 *
 * @module
 */
import { hkdfSync, randomBytes } from "node:crypto";
import { createVaultCalls } from "../crypto/at_rest/vault_seal.ts";
import { WorkerCryptoCore } from "../crypto/client.ts";
import { enc, encodeUtf8, type NodeId } from "../crypto/encoding.ts";
import { deriveStandbyHalves } from "../crypto/handshake/standby_halves.ts";
import type { CryptoCore, KeyRef } from "../crypto/interface.ts";
import type { CoreParts } from "../crypto/keyring/core_parts.ts";
import { Keyring, VaultKey } from "../crypto/keyring/keyring.ts";
import type { Half } from "../crypto/pairs/half.ts";
import { createAeads } from "../crypto/primitives/aead.ts";
import { Hashes } from "../crypto/primitives/hashes.ts";
import { NodeEvents } from "../peer/events/events.ts";
import { TokenVault } from "../peer/tokens/vault.ts";
import { VAULT_FILE } from "../peer/tokens/vault_file.ts";
import { MASTER_KEY_LINE } from "../peer/tokens/vault_text.ts";
import type { Files } from "../ports/ports.ts";
import { openFiles, systemClock } from "../ports/system.ts";
import { cpuSecondsDuring } from "./process_cpu.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { CHEAP_COST } from "./two_nodes.ts";

const TOKENS = 10_000;
const TOKENS_PER_PEER = 8;
const TOKENS_PER_SET = 4;
const SAVES_PER_ROUND = 100;
const DAY_MS = 86_400_000;
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** An id of the form; nobody's. */
function peerName(number: number): NodeId {
  const digits = [2, 1, 0].map((place) => BASE58[Math.floor(number / 58 ** place) % 58]);
  return `z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbL${digits.join("")}` as NodeId;
}

/** The standby halves that a handshake leaves to one side. */
async function createSet(hashes: Hashes): Promise<Half[]> {
  const permutations = { permute: () => Promise.reject(new Error("No module's method is asked")) };
  return await deriveStandbyHalves({ hashes, permutations }, {
    prk: randomBytes(32),
    next: { method: "alpha", issuedAt: Date.now() },
    initiatorId: peerName(0),
    responderId: peerName(1),
    ownId: peerName(0),
  });
}

/** The text of a vault of confirmed sets of four, as a node with so many peers has it. */
async function createText(secret: string): Promise<string> {
  const hashes = await Hashes.create();
  const ring = new Keyring();
  const parts = { ring, hashes, random: (length: number) => randomBytes(length) };
  const calls = createVaultCalls({ ...parts, aeads: createAeads() } as unknown as CoreParts);
  const key = hkdfSync("sha256", secret, new Uint8Array(0), enc("openred/v3/vault"), 32);
  const vault = ring.add(new VaultKey(new Uint8Array(key)));
  const meta = JSON.stringify({
    endsAt: Date.now() + 30 * DAY_MS,
    role: "initiator",
    confirmedAt: Date.now(),
  });
  const lines = [MASTER_KEY_LINE];
  for (let at = 0; at < TOKENS; at += TOKENS_PER_SET) {
    const peer = peerName(Math.floor(at / TOKENS_PER_PEER));
    const name = `NODE_${peer}_TOKENS_${randomBytes(16).toString("hex")}`;
    const set = (await createSet(hashes)).map((half, index) => ({ half: ring.add(half), index }));
    const [sealed] = await calls.sealLines({ vault, lines: [{ name, set, meta }] });
    lines.push(`${name}=encrypted:AES256:${sealed}`);
  }
  return `${lines.join("\n")}\n`;
}

interface World {
  readonly crypto: CryptoCore;
  readonly key: KeyRef;
  readonly files: Files;
}

async function createWorld(crypto: CryptoCore, folder: string): Promise<World> {
  const files = openFiles(folder);
  const secret = "benchmark";
  const { sealed } = await crypto.createKeystore({ secret: encodeUtf8(secret), cost: CHEAP_COST });
  const { vault } = await crypto.openKeystore({ sealed, secret: encodeUtf8(secret) });
  await files.write(VAULT_FILE, encodeUtf8(await createText(secret)));
  return { crypto, key: vault, files };
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

async function openOnce(world: World): Promise<{ elapsedMs: number; cpuMs: number }> {
  const vault = openVault(world);
  let elapsedMs = 0;
  const cpu = await cpuSecondsDuring([Deno.pid], async () => {
    elapsedMs = await timed(() => vault.load());
  });
  if (vault.all().length !== TOKENS) throw new Error("Tokens are missing");
  const halves = vault.all().flatMap(({ half }) => half ?? []);
  await Promise.all(halves.map((half) => world.crypto.release(half)));
  return { elapsedMs, cpuMs: cpu * 1_000 };
}

async function run({ rounds, isQuick }: Settings): Promise<void> {
  const folder = await Deno.makeTempDir();
  const crypto = await WorkerCryptoCore.start();
  try {
    const world = await createWorld(crypto, folder);
    const opens: { elapsedMs: number; cpuMs: number }[] = [];
    for (let round = 0; round < rounds; round++) opens.push(await openOnce(world));
    const { size } = await Deno.stat(`${folder}/.env`);
    const vault = openVault(world);
    await vault.load();
    const put = vault.all();
    const saves: number[] = [];
    for (let save = 0; save < (isQuick ? 1 : rounds) * SAVES_PER_ROUND; save++) {
      const entry = { ...put[save % TOKENS]!, session: String(save) };
      saves.push(await timed(() => vault.commit({ put: [entry] })));
    }
    printTitle("vault", `${TOKENS} tokens in a file of ${(size / 2 ** 20).toFixed(1)} MiB`);
    const unit = { unit: "ms", digits: 2 };
    printAim("save one token, durably", saves, { ...unit, aim: { atMost: 5 } });
    const elapsed = opens.map(({ elapsedMs }) => elapsedMs);
    printAim("open, without the key derivation", elapsed, { ...unit, aim: { atMost: 300 } });
    printSamples("the same, processor time of all threads", opens.map(({ cpuMs }) => cpuMs), {
      unit: "ms CPU",
    });
    printNote("a save is acknowledged once it is on disk (fdatasync); the core runs in its Worker");
  } finally {
    await crypto.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

/** The token vault at 10,000 tokens. */
export const vault: Benchmark = { name: "vault", run };
