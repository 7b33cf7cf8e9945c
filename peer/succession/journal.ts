/**
 * A succession on disk: one file that says all of it, written atomically, and then put in place step by step. Each
 * step can be done again, so whoever is killed on the way leaves the former identity whole, or one that the next start
 * makes the new one.
 *
 * @module
 */
import * as v from "valibot";
import { decodeUtf8, encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import { KEYSTORE_FILE } from "../../ports/keystore_files.ts";
import type { Clock, Files, OpenDatabase } from "../../ports/ports.ts";
import {
  bytesSchema,
  maxBytesSchema,
  nodeIdSchema,
  parseInput,
  parseJson,
} from "../../protocol/schemas.ts";
import { NodeStore } from "../store.ts";
import { MASTER_KEY_LINE, readVaultText } from "../tokens/vault_text.ts";
import { VAULT_FILE } from "../tokens/vault_file.ts";
import { SELF_NAMES, untoldName } from "./self_names.ts";

const JOURNAL_FILE = "succession";
const AUDIT_PREFIX = "audit-";
const MAX_KEYSTORE_BYTES = 4_096;

const journalSchema = v.strictObject({
  v: v.literal(1),
  id: nodeIdSchema,
  old: nodeIdSchema,
  /** The keystore of the new identity, sealed. */
  keystore: maxBytesSchema(MAX_KEYSTORE_BYTES),
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

/** Makes a succession certain: from here on the next start brings it to its end. */
export async function writeJournal(files: Files, journal: Journal): Promise<void> {
  const content = {
    v: 1,
    ...journal,
    keystore: encodeBase64Url(journal.keystore),
    next: encodeBase64Url(journal.next),
  };
  await files.write(JOURNAL_FILE, encodeUtf8(JSON.stringify(content)));
}

/** Brings a succession that was made certain to its end; does nothing without one. */
export async function finishSuccession(ports: JournalPorts): Promise<void> {
  const content = await ports.files.read(JOURNAL_FILE);
  if (content === null) return;
  const journal = parseInput(journalSchema, parseJson(content)) as Journal;
  await writeDatabase(ports, journal);
  await dropPairs(ports.files);
  await setLogAside(ports.files, journal.old);
  await ports.files.write(KEYSTORE_FILE, journal.keystore);
  await ports.files.remove(JOURNAL_FILE);
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
  const { comments } = readVaultText(decodeUtf8(content));
  const lines = [MASTER_KEY_LINE, ...comments].map((line) => `${line}\n`);
  await files.write(VAULT_FILE, encodeUtf8(lines.join("")));
}

/** A log is signed by one identity: that of the former one is kept, and the new one begins its own. */
async function setLogAside(files: Files, old: NodeId): Promise<void> {
  for (const { name } of await files.list(AUDIT_PREFIX)) {
    const content = await files.read(name);
    if (content !== null) await files.write(`former-${old}.${name}`, content);
    await files.remove(name);
  }
}
