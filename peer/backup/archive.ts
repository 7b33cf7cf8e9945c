/**
 * What a backup says inside its encryption: entries, each `length of its header(4) ‖ header JSON ‖ content`, the first
 * one the manifest; a length of 0 ends them.
 *
 * @module
 * @see ../../crypto/at_rest/backup_stream.ts for the outside
 */
import * as v from "valibot";
import { concatBytes, encodeUtf8 } from "../../crypto/encoding.ts";
import {
  BACKUP_CHUNK_BYTES,
  BACKUP_MAGIC,
  type CryptoCore,
  type KeyRef,
  type KeystoreCost,
} from "../../crypto/interface.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { parseGrowing, parseJson } from "../../protocol/schemas.ts";
import { SCHEMA_VERSION } from "../store/migrations.ts";
import { ByteReader } from "./byte_reader.ts";

const FORMAT = 1;
const HEAD_BYTES = 32;
const SEALED_CHUNK_BYTES = BACKUP_CHUNK_BYTES + 16;
const MAX_HEADER_BYTES = 4_096;
/** Four times what backups are made with, and five: whoever made one is not to choose what opening it takes. */
const MAX_MEMORY_KIB = 2 ** 18;
const MAX_PASSES = 16;
/** What may be a file's name, for the writer as for the reader. */
const FILE_NAME = /^[A-Za-z0-9._-]{1,160}$/;

const manifestSchema = v.looseObject({
  format: v.literal(FORMAT),
  version: v.string(),
  created_at: v.number(),
  /** The version of the database's schema; not told by the first backups. */
  schema: v.optional(v.number()),
  must: v.optional(v.array(v.string())),
});

const entrySchema = v.looseObject({
  name: v.pipe(v.string(), v.regex(FILE_NAME), v.check((name) => name !== "." && name !== "..")),
  bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  must: v.optional(v.array(v.string())),
});

/** When and by what a backup was made. */
export type Manifest = v.InferOutput<typeof manifestSchema>;

/** One file of a data directory. */
export interface ArchiveFile {
  readonly name: string;
  readonly content: Uint8Array;
}

/** Takes what stands in a backup, in its order. */
export interface ArchiveVisitor {
  manifest(manifest: Manifest): Promise<void> | void;
  /** A file begins. */
  begin(name: string, bytes: number): Promise<void> | void;
  /** The next piece of that file. */
  piece(piece: Uint8Array): Promise<void> | void;
}

function frame(header: Record<string, unknown>): Uint8Array {
  const json = encodeUtf8(JSON.stringify(header));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length);
  return concatBytes(length, json);
}

async function* plainParts(
  options: {
    version: string;
    schema: number | undefined;
    createdAt: number;
    files: AsyncIterable<ArchiveFile>;
  },
): AsyncGenerator<Uint8Array> {
  const { version, schema, createdAt: created_at } = options;
  yield frame({ format: FORMAT, version, created_at, schema });
  for await (const { name, content } of options.files) {
    yield frame(parseGrowing(entrySchema, { name, bytes: content.length }));
    yield content;
  }
  yield new Uint8Array(4);
}

/**
 * Makes the bytes of a backup file. The passphrase is wiped.
 * @throws {OpenRedError} `bad_request` for a file whose name could not be read again.
 */
export async function* writeArchive(
  crypto: CryptoCore,
  options: {
    passphrase: Uint8Array;
    cost?: KeystoreCost | undefined;
    version: string;
    /** The version of the database's schema. */
    schema: number | undefined;
    createdAt: number;
    files: AsyncIterable<ArchiveFile>;
  },
): AsyncGenerator<Uint8Array> {
  const { passphrase, cost } = options;
  const { stream, head } = await crypto.beginBackup({
    passphrase,
    ...(cost === undefined ? {} : { cost }),
  });
  const reader = new ByteReader(plainParts(options));
  try {
    yield head;
    for (;;) {
      const chunk = await reader.upTo(BACKUP_CHUNK_BYTES);
      const isLast = await reader.isAtEnd();
      yield await crypto.sealBackup({ stream, chunk, isLast });
      if (isLast) return;
    }
  } finally {
    await reader.stop();
    await crypto.release(stream);
  }
}

async function* openChunks(
  crypto: CryptoCore,
  stream: KeyRef,
  reader: ByteReader,
): AsyncGenerator<Uint8Array> {
  for (let isLast = false; !isLast;) {
    const chunk = await reader.upTo(SEALED_CHUNK_BYTES);
    isLast = await reader.isAtEnd();
    yield await crypto.readBackup({ stream, chunk, isLast });
  }
}

/**
 * Reads a backup file to its end. The passphrase is wiped.
 * @throws {CryptoError} `unseal_failed` for a wrong passphrase, or a file that was changed or cut off.
 * @throws {OpenRedError} `unsupported` for a file of a newer program, `bad_request` for one of no known form.
 */
export async function readArchive(
  crypto: CryptoCore,
  options: { passphrase: Uint8Array; input: AsyncIterable<Uint8Array>; visitor: ArchiveVisitor },
): Promise<void> {
  const outer = new ByteReader(options.input);
  const head = await outer.upTo(HEAD_BYTES);
  try {
    checkCost(head);
  } catch (error) {
    options.passphrase.fill(0);
    await outer.stop();
    throw error;
  }
  const stream = await crypto.openBackup({ passphrase: options.passphrase, head });
  try {
    const reader = new ByteReader(openChunks(crypto, stream, outer));
    await visit(reader, options.visitor);
    if (!await reader.isAtEnd()) {
      throw new OpenRedError("bad_request", "The backup goes on after its end");
    }
  } finally {
    await crypto.release(stream);
    await outer.stop();
  }
}

/**
 * Looks at what opening a backup would take; at nothing that its passphrase proves.
 * @param head The file's first bytes.
 * @throws {OpenRedError} `unsupported`.
 */
export function checkCost(head: Uint8Array): void {
  const at = BACKUP_MAGIC.length;
  if (head.length < at + 8) return;
  const view = new DataView(head.buffer, head.byteOffset + at);
  if (view.getUint32(0) <= MAX_MEMORY_KIB && view.getUint32(4) <= MAX_PASSES) return;
  throw new OpenRedError("unsupported", "Opening the backup would take too much memory or time");
}

async function visit(reader: ByteReader, visitor: ArchiveVisitor): Promise<void> {
  const manifest = await readHeader(reader);
  if (manifest === null || typeof manifest !== "object" || !("format" in manifest)) {
    throw new OpenRedError("bad_request", "The backup does not begin with its manifest");
  }
  if (manifest.format !== FORMAT) {
    throw newer();
  }
  const read = parseGrowing(manifestSchema, manifest);
  if ((read.schema ?? 0) > SCHEMA_VERSION) throw newer();
  await visitor.manifest(read);
  for (let header = await readHeader(reader); header !== null; header = await readHeader(reader)) {
    const { name, bytes } = parseGrowing(entrySchema, header);
    await visitor.begin(name, bytes);
    for (let left = bytes; left > 0;) {
      const piece = await reader.exactly(Math.min(left, BACKUP_CHUNK_BYTES));
      left -= piece.length;
      await visitor.piece(piece);
    }
  }
}

function newer(): OpenRedError {
  return new OpenRedError("unsupported", "A newer version of this program wrote the backup");
}

/** @returns The next header, or `null` at the end of the entries. */
async function readHeader(reader: ByteReader): Promise<unknown> {
  const bytes = await reader.exactly(4);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (length === 0) return null;
  if (length > MAX_HEADER_BYTES) throw new OpenRedError("bad_request", "A header is too long");
  return parseJson(await reader.exactly(length));
}
