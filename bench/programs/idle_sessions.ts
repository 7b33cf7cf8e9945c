/**
 * Both ends of many sessions in one process: prints the bytes of memory that one end of one of them takes.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type { EstablishedSession } from "../../crypto/interface.ts";
import { NodeEvents } from "../../peer/events/events.ts";
import { Session, SessionTable } from "../../peer/sessions/session.ts";
import { standbyEntries } from "../../peer/sessions/standby.ts";
import { newEntry, type PairEntry } from "../../peer/tokens/pair_entry.ts";
import { TokenVault } from "../../peer/tokens/vault.ts";
import { openFiles, systemClock } from "../../ports/system.ts";
import { CHEAP_COST, createCoreNode, establishSession } from "../two_nodes.ts";

const HOUR_MS = 3_600_000;
const WARM_UP = 50;

const count = Number(Deno.args[0]);
const collectGarbage = (globalThis as { gc?: () => void }).gc;
if (collectGarbage === undefined) throw new Error("Start it with --v8-flags=--expose-gc");

const crypto = await LocalCryptoCore.create();
const [a, b, directory] = await Promise.all([
  createCoreNode(crypto),
  createCoreNode(crypto),
  createCoreNode(crypto),
]);

const folders: string[] = [];

/** What one end of all sessions keeps: the table and the vault. */
class End {
  readonly table = new SessionTable();
  readonly #vault: TokenVault;
  readonly #peer: NodeId;

  private constructor(vault: TokenVault, peer: NodeId) {
    this.#vault = vault;
    this.#peer = peer;
  }

  static async open(peer: string): Promise<End> {
    const secret = "benchmark";
    const cost = CHEAP_COST;
    const { sealed } = await crypto.createKeystore({ secret: encodeUtf8(secret), cost });
    const { vault: key } = await crypto.openKeystore({ sealed, secret: encodeUtf8(secret) });
    const events = new NodeEvents({ log: () => {} });
    const folder = await Deno.makeTempDir({ prefix: "openred-bench-" });
    folders.push(folder);
    const files = openFiles(folder);
    return new End(
      new TokenVault({ crypto, files, clock: systemClock, events }, key),
      peer as NodeId,
    );
  }

  async keep(established: EstablishedSession, role: "initiator" | "responder"): Promise<void> {
    const pair: PairEntry = {
      ...newEntry(established.standby[0]!, this.#peer),
      pairId: Buffer.from(established.sessionId).toString("hex"),
      half: null,
    };
    const session = new Session({ crypto, clock: systemClock }, {
      established,
      pair,
      role,
      suite: "ik-x25519-mlkem768",
      lifeMs: HOUR_MS,
      recordSeq: 0,
      sequence: this.table.nextSequence(),
    });
    this.table.add(session);
    await this.#vault.commit({
      put: [pair, ...standbyEntries(established.standby, session, Date.now())],
    });
  }
}

const ends = { a: await End.open(b.id), b: await End.open(a.id) };

async function makeSessions(sessions: number): Promise<void> {
  for (let i = 0; i < sessions; i++) {
    const made = await establishSession({ a, b, directory });
    await ends.a.keep(made.a, "initiator");
    await ends.b.keep(made.b, "responder");
  }
}

function usedBytes(): number {
  collectGarbage!();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

await makeSessions(WARM_UP);
const before = usedBytes();
await makeSessions(count);
console.log((usedBytes() - before) / (2 * count));
if (ends.a.table.all().length !== count + WARM_UP) throw new Error("Sessions are missing");
await Promise.all(folders.map((folder) => Deno.remove(folder, { recursive: true })));
