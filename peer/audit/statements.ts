/**
 * What the node signs about its audit log besides the lines: where it ends, and where it begins.
 *
 * @module
 */
import * as v from "valibot";
import { decodeUtf8, encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import {
  type AuditPosition,
  type CryptoCore,
  CryptoError,
  type KeyRef,
} from "../../crypto/interface.ts";

const TYPE = "openred-audit+jwt";

const counted = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const hash = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/));

const headSchema = v.looseObject({
  v: v.literal(3),
  head: v.object({ number: counted, hash, file: counted, bytes: counted }),
});

const beginSchema = v.looseObject({
  v: v.literal(3),
  begin: v.object({ number: counted, previous: hash, file: counted }),
});

/** The first line a log still has. */
export interface AuditBegin {
  readonly number: number;
  /** SHA-256 of the line before it, base64url. */
  readonly previous: string;
  /** Number of the file it is the first line of. */
  readonly file: number;
}

/** What stands for the hash of a line before the first. */
export const NO_LINE_HASH: string = encodeBase64Url(new Uint8Array(32));

/** Where a log with nothing pruned begins. */
export const FIRST_BEGIN: AuditBegin = { number: 1, previous: NO_LINE_HASH, file: 1 };

/** Where a log without lines stands. */
export const EMPTY_POSITION: AuditPosition = { number: 0, hash: NO_LINE_HASH, file: 1, bytes: 0 };

interface Signer {
  readonly crypto: CryptoCore;
  readonly nodeId: string;
}

async function openStatement(signer: Signer, content: Uint8Array): Promise<unknown> {
  try {
    const { iss, payload } = await signer.crypto.verifyJws({
      text: decodeUtf8(content),
      typ: TYPE,
    });
    return iss === signer.nodeId ? JSON.parse(payload) : null;
  } catch (error) {
    if (error instanceof TypeError) return null;
    if (error instanceof CryptoError && error.code === "bad_signature") return null;
    throw error;
  }
}

/** @returns What a file says where the log ends, or `null` if this node did not sign that. */
export async function openHead(
  signer: Signer,
  content: Uint8Array,
): Promise<AuditPosition | null> {
  const parsed = v.safeParse(headSchema, await openStatement(signer, content));
  return parsed.success ? parsed.output.head : null;
}

/** @returns What a file says where the log begins, or `null` if this node did not sign that. */
export async function openBegin(signer: Signer, content: Uint8Array): Promise<AuditBegin | null> {
  const parsed = v.safeParse(beginSchema, await openStatement(signer, content));
  return parsed.success ? parsed.output.begin : null;
}

type Statement = { readonly begin: AuditBegin } | { readonly head: AuditPosition };

async function sign(
  signer: Signer & { readonly identity: KeyRef },
  statement: Statement,
): Promise<Uint8Array> {
  const payload = JSON.stringify({ v: 3, iss: signer.nodeId, ...statement });
  return encodeUtf8(await signer.crypto.signJws({ key: signer.identity, typ: TYPE, payload }));
}

/** Signs where a log begins from now on. */
export function signBegin(
  signer: Signer & { readonly identity: KeyRef },
  begin: AuditBegin,
): Promise<Uint8Array> {
  return sign(signer, { begin });
}

/** Signs where a log ends now. */
export function signHead(
  signer: Signer & { readonly identity: KeyRef },
  head: AuditPosition,
): Promise<Uint8Array> {
  return sign(signer, { head });
}
