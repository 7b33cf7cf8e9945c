/**
 * Makes the identity that follows another one, of a node that does not run.
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore, KeyRef, KeystoreCost, OpenedKeystore } from "../../crypto/interface.ts";
import { KEYSTORE_FILE } from "../../ports/keystore_files.ts";
import { refuseIdlePassphrase, SECRET_FILE } from "../../ports/node_secret.ts";
import type { Clock, Files, OpenDatabase, Random } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { readEnd } from "../audit/recovery.ts";
import { openNodeKeys, openStore, settleData } from "./data_state.ts";
import { NodeStore } from "../store/store.ts";
import { finishSuccession, type Journal, writeJournal } from "./journal.ts";
import { SELF_NAMES } from "../own/self_names.ts";

/** What works on the data of a node that does not run. */
export interface DataPorts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly openDatabase: OpenDatabase;
}

/** What a new recovery phrase belongs to. */
export interface ShownPhrase {
  /** Of whom the phrase will make the successor. */
  readonly id: string;
  /** 32 bytes, wiped once this was shown. */
  readonly phrase: Uint8Array;
}

export interface SucceedOptions {
  /** The 32 bytes of the recovery phrase; wiped. */
  readonly phrase: Uint8Array;
  /** The former id, where its data directory is lost; this one is to hold no node yet. */
  readonly from: NodeId | null;
  /** Opens the node secret where that is sealed, and the new one is sealed under it; wiped. */
  readonly passphrase?: Uint8Array | undefined;
  readonly cost?: KeystoreCost | undefined;
  /** Shows the new phrase. Nothing is changed before it has resolved. */
  readonly show: (shown: ShownPhrase) => Promise<void>;
}

/** Made of a recovery phrase, and held by the core. */
export interface Successor {
  readonly key: KeyRef;
  readonly nodeId: string;
  readonly next: Uint8Array;
}

/** Whom the new identity follows. */
interface Former {
  readonly id: NodeId;
  readonly head: string | null;
  /** Its storage roots go along; `null` where it is lost, and the rows of its modules with it. */
  readonly keystore: KeyRef | null;
}

/**
 * Makes the new identity; see docs/ARCHITECTURE.md, "Succession".
 * @returns The new id.
 * @throws {OpenRedError} `forbidden` for a phrase that is not this node's, `not_found` without a node or a phrase of
 *   it, or where its database is lost, `bad_request` where `from` meets a node or a passphrase meets keys that have
 *   none, `overloaded` where the disk takes nothing; nothing was changed then. `internal` where it is made and the next
 *   start will finish it.
 */
export async function succeedNode(ports: DataPorts, options: SucceedOptions): Promise<NodeId> {
  const { crypto, files } = ports;
  let successor: Successor | null = null;
  try {
    await settleData(ports);
    successor = await crypto.openSuccessor({ phrase: options.phrase });
    const former = options.from === null
      ? await openFormer(ports, { successor, passphrase: options.passphrase?.slice() })
      : await lostFormer(ports, { id: options.from, successor });
    const { phrase, next } = await crypto.createSuccessor();
    const id = successor.nodeId as NodeId;
    const { passphrase, cost } = options;
    const journal = await draftSuccession(ports, { successor, former, next, passphrase, cost });
    await showPhrase(options.show, { id, phrase });
    await writeJournal(files, journal);
    await finishSuccession(ports);
    return id;
  } finally {
    options.phrase.fill(0);
    options.passphrase?.fill(0);
    if (successor !== null) await crypto.release(successor.key);
  }
}

/**
 * All of the identity that is to follow, of which nothing is on disk yet.
 * @param options `next`: of the new recovery phrase. What is given stays the caller's.
 */
export async function draftSuccession(
  { crypto, clock }: Pick<DataPorts, "crypto" | "clock">,
  options: {
    readonly successor: Successor;
    readonly former: Former;
    readonly next: Uint8Array;
    readonly passphrase: Uint8Array | undefined;
    readonly cost: KeystoreCost | undefined;
  },
): Promise<Journal> {
  const { successor, former, next, passphrase, cost } = options;
  const { sealed: keystore, secret: nodeSecret } = await crypto.succeedKeystore({
    successor: successor.key,
    ...(former.keystore === null ? {} : { former: former.keystore }),
    ...(passphrase === undefined ? {} : { passphrase: passphrase.slice() }),
    ...(cost === undefined ? {} : { cost }),
  });
  const id = successor.nodeId as NodeId;
  const succession = await crypto.signJws({
    key: successor.key,
    typ: "openred-succession+jwt",
    payload: JSON.stringify({
      v: 3,
      iss: id,
      old: former.id,
      iat: Math.floor(clock.nowMs() / 1000),
      next: encodeBase64Url(next),
    }),
  });
  return {
    id,
    old: former.id,
    keystore,
    nodeSecret,
    succession,
    next,
    knowsPeers: former.keystore !== null,
    formerHead: former.head,
  };
}

/** Shows a phrase, and wipes it however that ended. */
export async function showPhrase(
  show: SucceedOptions["show"],
  shown: ShownPhrase,
): Promise<void> {
  try {
    await show(shown);
  } finally {
    shown.phrase.fill(0);
  }
}

async function openFormer(
  ports: DataPorts,
  options: { successor: Successor; passphrase: Uint8Array | undefined },
): Promise<Former> {
  if (await ports.files.read(KEYSTORE_FILE) === null) {
    throw new OpenRedError(
      "not_found",
      "There is no node here; if its data is lost, say --from ID",
    );
  }
  const store = await openStore(ports);
  try {
    const keys = await openFormerKeys(ports, { ...options, store });
    const head = await readHead(ports, keys);
    return { id: keys.nodeId as NodeId, head, keystore: keys.keystore };
  } finally {
    store.close();
  }
}

/**
 * Opens the keys of the identity that is to be followed.
 * @param options The passphrase is wiped.
 * @throws {OpenRedError} As {@linkcode assertFollowable}; `bad_request` for a passphrase of keys that have none;
 *   `unauthorized` where they have one and none was given.
 * @throws {CryptoError} `unseal_failed` for a wrong passphrase.
 */
export async function openFormerKeys(
  ports: DataPorts,
  options: {
    readonly store: NodeStore;
    readonly successor: Successor;
    readonly passphrase: Uint8Array | undefined;
  },
): Promise<OpenedKeystore> {
  const { store, successor, passphrase } = options;
  assertFollowable(store, successor);
  if (passphrase !== undefined) await refuseIdlePassphrase(ports.files);
  return await openNodeKeys(ports, { passphrase, store });
}

/** @throws {OpenRedError} `not_found` for a node without a phrase, `forbidden` for the phrase of another one. */
export function assertFollowable(
  store: Pick<NodeStore, "self">,
  successor: Pick<Successor, "next">,
): void {
  const pinned = store.self(SELF_NAMES.next);
  if (pinned === null) {
    throw new OpenRedError("not_found", "This node has no recovery phrase: nobody can follow it");
  }
  if (pinned !== encodeBase64Url(successor.next)) {
    throw new OpenRedError("forbidden", "This is not the recovery phrase of this node");
  }
}

/** Where the former log ends, as number and hash of its last line. */
async function readHead(
  { crypto, files }: DataPorts,
  { nodeId, audit }: OpenedKeystore,
): Promise<string | null> {
  const found = await readEnd({ crypto, files, nodeId, keys: audit });
  return found === null ? null : `${found.end.number}:${found.end.hash}`;
}

async function lostFormer(
  ports: DataPorts,
  options: { id: NodeId; successor: Successor },
): Promise<Former> {
  for (const name of [KEYSTORE_FILE, SECRET_FILE]) {
    if (await ports.files.read(name) === null) continue;
    throw new OpenRedError(
      "bad_request",
      "There is a node here already; --from needs an empty place",
    );
  }
  if (options.id === options.successor.nodeId) {
    throw new OpenRedError("bad_request", "The phrase makes this very id: it cannot follow itself");
  }
  // A database that does not open is found out here, where nothing has been changed yet.
  new NodeStore(ports.openDatabase, ports.clock).close();
  return { id: options.id, head: null, keystore: null };
}
