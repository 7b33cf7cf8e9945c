/**
 * A succession on disk: one file that says all of it, written atomically, and then put in place step by step. Each
 * step can be done again, so whoever is killed on the way leaves the former identity whole, or one that the next start
 * makes the new one.
 *
 * @module
 */
import * as v from "valibot";
import { encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import { KEYSTORE_FILE } from "../../ports/keystore_files.ts";
import { removeLeftOver, SECRET_FILE } from "../../ports/node_secret.ts";
import type { Clock, Files, OpenDatabase } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  bytesSchema,
  maxBytesSchema,
  nodeIdSchema,
  parseInput,
  parseJson,
} from "../../protocol/schemas.ts";
import { NodeStore } from "../store/store.ts";
import { MASTER_KEY_LINE, readVaultText } from "../tokens/vault_text.ts";
import { decodeLeniently, VAULT_FILE } from "../tokens/vault_file.ts";
import { successionsOf } from "../own/own_succession.ts";
import { SELF_NAMES, untoldName } from "../own/self_names.ts";

const JOURNAL_FILE = "succession";
const AUDIT_PREFIX = "audit-";
const MAX_KEYSTORE_BYTES = 4_096;
const MAX_SECRET_FILE_BYTES = 256;

const journalSchema = v.strictObject({
  v: v.literal(1),
  id: nodeIdSchema,
  old: nodeIdSchema,
  /** The keystore of the new identity, sealed. */
  keystore: maxBytesSchema(MAX_KEYSTORE_BYTES),
  /** What opens it, as the file of the node secret is to hold it. */
  nodeSecret: maxBytesSchema(MAX_SECRET_FILE_BYTES),
  succession: v.string(),
  next: bytesSchema(32),
  /** Whether the peers of the former identity are in the database, or anybody may be one. */
  knowsPeers: v.boolean(),
  formerHead: v.nullable(v.string()),
});

/** What a succession changes. */
export interface Journal {
  readonly id: NodeId;
  readonly old: NodeId;
  readonly keystore: Uint8Array;
  readonly nodeSecret: Uint8Array;
  readonly succession: string;
  readonly next: Uint8Array;
  readonly knowsPeers: boolean;
  /** The signed end of the former identity's audit log. */
  readonly formerHead: string | null;
}

export interface JournalPorts {
  readonly files: Files;
  readonly openDatabase: OpenDatabase;
  readonly clock: Pick<Clock, "setTimer">;
}

/**
 * Makes a succession certain: from here on the next start brings it to its end.
 * @throws {OpenRedError} `overloaded` where it could not be written, and nothing was changed; `internal` where it was
 *   written nevertheless.
 */
export async function writeJournal(files: Files, journal: Journal): Promise<void> {
  const content = {
    v: 1,
    ...journal,
    keystore: encodeBase64Url(journal.keystore),
    nodeSecret: encodeBase64Url(journal.nodeSecret),
    next: encodeBase64Url(journal.next),
  };
  try {
    await files.write(JOURNAL_FILE, encodeUtf8(JSON.stringify(content)));
  } catch (cause) {
    if (await files.read(JOURNAL_FILE) !== null) throw unfinished(cause);
    await removeLeftOver(files, JOURNAL_FILE);
    throw new OpenRedError(
      "overloaded",
      `The succession was not made, and the new phrase is void. Cause: ${reasonOf(cause)}`,
      { cause },
    );
  }
}

/**
 * Brings a succession that was made certain to its end; does nothing without one.
 * @throws {OpenRedError} `internal` where it could not; the next call tries again.
 */
export async function finishSuccession(ports: JournalPorts): Promise<void> {
  const { files } = ports;
  await removeLeftOver(files, JOURNAL_FILE);
  const content = await files.read(JOURNAL_FILE);
  if (content === null) return;
  try {
    await putInPlace(ports, parseInput(journalSchema, parseJson(content)) as Journal);
    await files.remove(JOURNAL_FILE);
  } catch (cause) {
    throw unfinished(cause);
  }
}

/** Nothing in here may fail on what files hold: there is no way back any more. */
async function putInPlace(ports: JournalPorts, journal: Journal): Promise<void> {
  const { files } = ports;
  await writeDatabase(ports, journal);
  await dropPairs(files);
  await setLogAside(files, journal.old);
  await replaceSecret(files, journal);
  await files.write(KEYSTORE_FILE, journal.keystore);
}

function unfinished(cause: unknown): OpenRedError {
  return new OpenRedError(
    "internal",
    "The succession is made and will be finished at the next start; keep the new phrase. " +
      `Cause: ${reasonOf(cause)}`,
    { cause },
  );
}

/** What a full disk or a missing right says of itself. */
function reasonOf(error: unknown): string {
  const root = error instanceof OpenRedError ? error.cause ?? error : error;
  return root instanceof Error ? root.message : "unknown";
}

async function writeDatabase(ports: JournalPorts, journal: Journal): Promise<void> {
  const store = new NodeStore(ports.openDatabase, ports.clock);
  try {
    await store.write(() => writeSelf(store, journal));
  } finally {
    store.close();
  }
}

/** One transaction. What the former identity's records were numbered with says nothing of the new one's. */
function writeSelf(store: NodeStore, journal: Journal): void {
  const drop = store.statement("DELETE FROM self WHERE name = ?");
  for (const name of SELF_NAMES.ofRecords) drop.run(name);
  const put = store.statement("INSERT OR REPLACE INTO self (name, value) VALUES (?, ?)");
  put.run(SELF_NAMES.nodeId, journal.id);
  put.run(SELF_NAMES.next, encodeBase64Url(journal.next));
  const former = successionsOf(store).filter((text) => text !== journal.succession);
  put.run(SELF_NAMES.formerSuccessions, JSON.stringify(former));
  put.run(SELF_NAMES.succession, journal.succession);
  put.run(SELF_NAMES.noted, JSON.stringify({ former: journal.old, head: journal.formerHead }));
  if (!journal.knowsPeers) put.run(SELF_NAMES.untoldToAll, journal.id);
  const peers = store.statement("SELECT id FROM peers WHERE known = 1 AND succession IS NULL")
    .all();
  for (const { id } of peers) put.run(untoldName(String(id)), journal.id);
  store.statement("UPDATE directories SET taken_seq = 0").run();
}

/** The pairs of the former identity serve nobody; what its owner wrote between them stays. */
async function dropPairs(files: Files): Promise<void> {
  const content = await files.read(VAULT_FILE);
  if (content === null) return;
  const { comments } = readVaultText(decodeLeniently(content));
  const lines = [MASTER_KEY_LINE, ...comments].map((line) => `${line}\n`);
  await files.write(VAULT_FILE, encodeUtf8(lines.join("")));
}

/** A log is signed by one identity: that of the former one is kept, and the new one begins its own. */
async function setLogAside(files: Files, old: NodeId): Promise<void> {
  for (const { name } of await files.list(AUDIT_PREFIX)) {
    await files.rename(name, formerName(old, name));
  }
}

/** The former secret is kept beside the log that it opens. */
async function replaceSecret(files: Files, { old, nodeSecret }: Journal): Promise<void> {
  const former = await files.read(SECRET_FILE);
  if (former !== null && encodeBase64Url(former) !== encodeBase64Url(nodeSecret)) {
    await files.write(formerName(old, SECRET_FILE), former);
  }
  await files.write(SECRET_FILE, nodeSecret);
}

function formerName(old: NodeId, name: string): string {
  return `former-${old}.${name}`;
}
