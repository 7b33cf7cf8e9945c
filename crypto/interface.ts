/**
 * The interface of the crypto core. The same calls work in the caller's thread
 * ({@linkcode ./core.ts}) and through a Worker without permissions ({@linkcode ./client.ts}).
 *
 * Everything that crosses it is plain data: `null`, booleans, numbers, text, byte arrays, arrays and
 * objects of those; only {@linkcode CryptoCore.addMethod} is given a function, which stays on the
 * caller's side. Secret keys never cross it: they are {@linkcode KeyRef} handles. Every call
 * rejects with a {@linkcode CryptoError} whose `code` is stable.
 *
 * @module
 */

/** Why a call of the crypto core failed. */
export type CryptoErrorCode =
  /** An argument of a wrong length, shape or kind of handle: the caller's bug. */
  | "bad_argument"
  /** A handle that was released, or never given out. */
  | "key_unknown"
  /** A JWS that is not of the expected form, type or signature. */
  | "bad_signature"
  /** A Noise message, payload, token or KEM part that does not hold. */
  | "handshake_failed"
  /** An envelope that does not open, or whose content does not hold. */
  | "envelope_failed"
  /** A sealed keystore or half that does not open with this secret. */
  | "unseal_failed"
  /** A session that has used up its counters. */
  | "exhausted"
  /** A method that is neither built in nor one of a module in use here. */
  | "method_unknown"
  /** A module's method that threw, gave no block of 32 bytes, or took too long. */
  | "method_failed"
  /** A module's method that does not undo its own permutation. */
  | "method_not_invertible"
  /** The core itself failed or was stopped. */
  | "core_failed";

/** A condition of the crypto core that a caller handles by its `code`. */
export class CryptoError extends Error {
  override readonly name = "CryptoError";
  readonly code: CryptoErrorCode;

  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A handle to something secret inside the core. Useless outside the core that gave it out. */
export type KeyRef = number & { readonly __keyRef: true };

/** The four built-in methods, in their fixed order. */
export const CRYPTO_METHODS = ["alpha", "beta", "gamma", "delta"] as const;
export type CryptoMethod = typeof CRYPTO_METHODS[number];

const MODULE_NAME = /^[a-z][a-z0-9_]{2,31}$/;

/** Whether a module may have this name. */
export function isModuleName(name: unknown): name is string {
  return typeof name === "string" && MODULE_NAME.test(name);
}

/** Whether a module's method may have this name: as a module's, and none of the built-in ones. */
export function isModuleMethodName(name: unknown): name is string {
  return isModuleName(name) && !(CRYPTO_METHODS as readonly string[]).includes(name);
}

/** Standby pairs that a handshake makes. */
export const STANDBY_PER_SESSION = 4;
/** How long each of them can be used, in milliseconds. */
export const STANDBY_LIFE_MS = 30 * 24 * 3_600_000;

/** The handshake suites, best first. */
export const SUITES = ["ik-x25519-mlkem768", "ik-x25519"] as const;
export type Suite = typeof SUITES[number];

/** How many lines or rows one call takes, so that other calls get their turn. */
export const MAX_CALL_ITEMS = 4_096;

/** What the password of a link costs: also a telephone computes it in a browser. */
export const PASSWORD_COST = { memoryKiB: 2 ** 16, passes: 3 } as const;

/** How many bytes the rows of one call may have, what they are authenticated with included. */
export const MAX_ROWS_BYTES = 4 * 2 ** 20;

/** A leaf of the hash tree of a file's content. */
export const FILE_BLOCK_BYTES = 16 * 2 ** 10;

/** What is hashed, sent and checked of a file at a time. */
export const FILE_CHUNK_BYTES = 2 ** 20;

/** The roots of all chunks of a file, 32 bytes each: that of the largest file, 128 GiB. */
export const MAX_FILE_LAYER_BYTES = 4 * 2 ** 20;

/** How long a secret or a passphrase may be, in bytes; it has at least one. */
export const MAX_SECRET_BYTES = 1_024;

/** The length of every chunk of a backup but the last one, which may be shorter. */
export const BACKUP_CHUNK_BYTES = 65_536;

/** How long the header of a frame may be, in bytes of UTF-8. */
export const MAX_FRAME_HEADER_BYTES = 4 * 1_024;

/** How many messages a frame may have. */
export const MAX_FRAME_MESSAGES = 64;

/** How long a frame may be, in bytes. */
export const MAX_FRAME_BYTES = 2 ** 20;

/** How many frames one step of a session's sending direction has at most. */
export const MAX_STEP_FRAMES = 2 ** 20;

/** The eight characters that every backup file begins with. */
export const BACKUP_MAGIC = "ORBACK01";

export type JwsType =
  | "openred-record+jwt"
  | "openred-proof+jwt"
  | "openred-identity+jwt"
  | "openred-relay+jwt"
  | "openred-pair+jwt"
  | "openred-succession+jwt"
  | "openred-audit+jwt"
  | "openred-group+jwt"
  | "openred-group-member+jwt"
  | "openred-group-message+jwt"
  | "openred-auth+jwt";

/** How an issuer picks a method. `seeded` needs the network seed. */
export type RotationPolicy =
  | { readonly kind: "hourly" }
  | { readonly kind: "daily" }
  | { readonly kind: "seeded"; readonly seed: Uint8Array };

/** What Argon2id is to cost. The default is 65,536 KiB and 3 passes. */
export interface KeystoreCost {
  readonly memoryKiB: number;
  readonly passes: number;
}

/** A noise key of a keystore. */
export interface NoiseKeyInfo {
  readonly key: KeyRef;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** An opened keystore: handles, and what is public about them. */
export interface OpenedKeystore {
  readonly keystore: KeyRef;
  readonly identity: KeyRef;
  readonly nodeId: string;
  /** Newest first; the first is the one that records name. */
  readonly noiseKeys: readonly NoiseKeyInfo[];
  /** The key that seals the token vault: HKDF of the secret, docs/PROTOCOL.md "Keys at rest". */
  readonly vault: KeyRef;
  /** The keys of the audit log: derived like the vault's. */
  readonly audit: KeyRef;
  /** What the keys of modules are derived from. */
  readonly storage: KeyRef;
  /**
   * The same keystore sealed anew, where it is of the form that had no storage root: it is to be on disk before
   * anything is sealed under `storage`. Otherwise `null`.
   */
  readonly resealed: Uint8Array | null;
  /** Milliseconds that stretching the secret took; 0 where time does not pass. */
  readonly stretchMs: number;
}

/** Where an audit log stands: its last line, and where that line ends. */
export interface AuditPosition {
  /** Of the last entry of that line; 0 before the first. */
  readonly number: number;
  /** SHA-256 of the last line without its newline, base64url; of 32 zero bytes before the first. */
  readonly hash: string;
  /** Number of the file it is in. */
  readonly file: number;
  /** Length of that file with this line and its newline. */
  readonly bytes: number;
}

/** What a line of the audit log is to say. */
export interface AuditEntry {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly event: string;
  /** The id of the peer it is about; only its keyed hash is stored. */
  readonly peer: string | null;
  readonly success: boolean;
  /** Whatever else is to be known. */
  readonly fields: Readonly<Record<string, string | number | boolean | null>>;
}

/** A line of the audit log that was read: the entries of one moment. */
export interface AuditLine {
  /** That of its first entry. */
  readonly number: number;
  /** That of its last entry. */
  readonly last: number;
  /** SHA-256 of the line before, base64url. */
  readonly previous: string;
  /** SHA-256 of this line, base64url. */
  readonly hash: string;
  /** Its entries as a JSON list; `null` if they were not asked for, or do not open with these keys. */
  readonly entries: string | null;
}

/** What is public about one half of a pair. Instants are in milliseconds. */
export interface HalfInfo {
  /** A directory's id, or `"peer"`. */
  readonly issuer: string;
  /** 16 bytes. */
  readonly pairId: Uint8Array;
  readonly idA: string;
  readonly idB: string;
  readonly method: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Whether this half belongs to `idA` (the initiator) or `idB`. */
  readonly role: "initiator" | "responder";
}

export interface StoredHalf {
  readonly half: KeyRef;
  readonly info: HalfInfo;
}

/** A standby half's place among those of its handshake, 0 to 15. */
export interface PlacedRef {
  readonly half: KeyRef;
  readonly index: number;
}

/** What a vault line is to hold besides `meta`: a half, the standby halves of one handshake, or, as a note, nothing. */
export interface VaultLineContent {
  /** The line's name, the AAD. */
  readonly name: string;
  readonly meta: string;
  readonly half?: KeyRef;
  readonly set?: readonly PlacedRef[];
}

/** What was in a vault line. */
export interface OpenedLine {
  /** One half, those of a set, or none in a note. `index` is the place in a set; `null` for a half by itself. */
  readonly halves: readonly (StoredHalf & { readonly index: number | null })[];
  readonly meta: string;
}

export interface IssuedPair {
  /** 16 bytes. */
  readonly pairId: Uint8Array;
  /** The Noise X messages to a and to b, raw bytes for `noise` of the pair JWS. */
  readonly noiseA: Uint8Array;
  readonly noiseB: Uint8Array;
}

/** The payload of a Noise X envelope, without its secrets. */
export interface OpenedEnvelope extends StoredHalf {
  readonly epoch: number;
  /** The peer's record, not verified; `info` takes the peer's id from its `iss`. */
  readonly peer: string;
}

/** A read message 1: proven to come from whoever holds `staticKey`, nothing else. */
export interface ReadHandshake {
  readonly handshake: KeyRef;
  /** As of {@linkcode CoreCalls.handshakeHash}, 32 bytes. */
  readonly hash: Uint8Array;
  /** The initiator's static key, 32 bytes. */
  readonly staticKey: Uint8Array;
  /** Members of the payload, not verified. */
  readonly record: string;
  readonly succession: string | null;
}

export interface NextPairs {
  readonly method: string;
  readonly issuedAt: number;
}

/** A read message 2: it opened, its token matched and its KEM part has the right form. */
export interface ReadAnswer {
  readonly record: string;
  readonly lifeMs: number;
  readonly next: NextPairs;
}

/** A session the core holds keys for. */
export interface EstablishedSession {
  readonly session: KeyRef;
  /** 16 bytes, derived. */
  readonly sessionId: Uint8Array;
  /** 32 bytes: what a module signs to tie something to this session. */
  readonly binding: Uint8Array;
  /** The four standby halves, i = 0…3. Their `expiresAt` is `issuedAt` + 30 days. */
  readonly standby: readonly StoredHalf[];
}

export interface AcceptedHandshake extends EstablishedSession {
  /** Message 2. */
  readonly noise: Uint8Array;
}

/**
 * What became of a frame.
 * `opened`: new, authentic and well-formed. `repeat`: authentic, seen before, inside the window.
 * `dropped`: authentic, but not to be handed on: below the window, where nobody can tell a repeat, or its inside is not
 * of the form; then the window has moved.
 * `refused`: forged, for keys long gone, or not a frame; nothing changed.
 */
export type OpenedFrame =
  | {
    readonly outcome: "opened" | "repeat";
    /** The header's JSON text, an object with a text `type`. */
    readonly header: string;
    readonly body: Uint8Array;
    /** The messages behind the first one; absent where it is alone. */
    readonly more?: readonly FrameMessage[];
    readonly step: number;
    readonly counter: number;
  }
  | { readonly outcome: "dropped" | "refused" };

/** One message of a frame. */
export interface FrameMessage {
  /** JSON text: an object with a text `type`, at most {@linkcode MAX_FRAME_HEADER_BYTES} of UTF-8. */
  readonly header: string;
  readonly body: Uint8Array;
}

/** A frame as it goes out, and the step it was sealed in. */
export interface SealedFrame {
  readonly frame: Uint8Array;
  readonly step: number;
}

/** What a module's permutation is given. Both arrays are copies: what becomes of them has no effect. */
export interface MethodBlock {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 32 bytes. */
  readonly block: Uint8Array;
  /** Whether the permutation is to be undone. */
  readonly inverse: boolean;
}

/** What a block of a module's method may take, in milliseconds. */
export const METHOD_BLOCK_MS = 250;

/** A keyed permutation of 32 bytes that a module brings. */
export interface ModuleMethod {
  /** 3 to 32 of `a–z 0–9 _`, beginning with a letter, and none of the built-in ones. */
  readonly name: string;
  /** Resolves with 32 bytes, of which a copy is taken. */
  readonly permute: (block: MethodBlock) => Promise<Uint8Array>;
  /** What measures the time of a block. */
  readonly clock: { setTimer(delayMs: number, callback: () => void): () => void };
  /** What a block may take, in milliseconds; {@linkcode METHOD_BLOCK_MS} if absent. */
  readonly blockMs?: number;
  /** Called whenever no block of the right form came in time, before whoever wanted it hears `method_failed`. */
  readonly failed?: () => void;
}

/** The crypto core as its callers see it. */
export interface CryptoCore extends Omit<CoreCalls, "admitMethod" | "dismissMethod"> {
  /**
   * Takes a module's method into use once it has undone its own permutation of 64 random blocks, in both directions. It
   * replaces one of its name; where it fails, none of that name is in use.
   * @throws {CryptoError} `bad_argument` for a name that cannot be; `method_not_invertible`; `method_failed`.
   */
  addMethod(method: ModuleMethod): Promise<void>;
  /** Ends the use of a module's method; an unknown one is ignored. Halves of it are `method_unknown` from here on. */
  removeMethod(options: { name: string }): Promise<void>;
}

/** What a key of a transfer is made from, and what every chunk under it is bound to (docs/PROTOCOL.md, "Files"). */
export interface FileKey {
  /** 32 bytes that both ends have, for this transfer alone. */
  readonly secret: Uint8Array;
  /** 16 bytes. */
  readonly transfer: Uint8Array;
  /** What of the file is sealed under it. */
  readonly part: string;
  /** Of the file, 32 bytes. */
  readonly root: Uint8Array;
  /** Of the file, in bytes. */
  readonly length: number;
}

/** A sealed chunk is longer than its content by so many bytes. */
export const FILE_TAG_BYTES = 16;

/** Work on the content of files, beside the core: what is large makes nothing small wait. */
export interface BulkCrypto {
  /**
   * The root of the hash tree over a chunk of a file, 32 bytes.
   * @param options `data` of 1 to {@linkcode FILE_CHUNK_BYTES} bytes, which is the caller's no more, nor is the memory
   *   that it lies in; `isWhole`: the file has no other chunk.
   */
  hashChunk(options: { data: Uint8Array; isWhole: boolean }): Promise<Uint8Array>;
  /**
   * The root of a file of more than one chunk, 32 bytes.
   * @param options `layer`: the roots of its chunks, 32 bytes each, up to {@linkcode MAX_FILE_LAYER_BYTES}.
   */
  hashLayer(options: { layer: Uint8Array }): Promise<Uint8Array>;
  /**
   * Seals a part of a file, once it has been found to be what it is to be.
   * @param options `data` of 1 to {@linkcode FILE_CHUNK_BYTES} bytes, which is the caller's no more; `number`: its place
   *   in the part; `root`: of the chunk, 32 bytes, or `null` for what is no content.
   * @returns Ciphertext and tag, or `null` where the data has another root; in the same memory where that is longer than
   *   `data` by {@linkcode FILE_TAG_BYTES}.
   */
  sealChunk(
    options: {
      key: FileKey;
      number: number;
      data: Uint8Array;
      isWhole: boolean;
      root: Uint8Array | null;
    },
  ): Promise<Uint8Array<ArrayBuffer> | null>;
  /**
   * Opens a sealed chunk.
   * @param options `sealed` is the caller's no more; `root` as of {@linkcode sealChunk}.
   * @returns The content, in the same memory, or `null` where it has another root.
   * @throws {CryptoError} `unseal_failed` where it does not open.
   */
  openChunk(
    options: {
      key: FileKey;
      number: number;
      sealed: Uint8Array;
      isWhole: boolean;
      root: Uint8Array | null;
    },
  ): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Whatever waits is rejected with `core_failed`. */
  stop(): void;
}

/** All calls that are plain data. `nowMs` is always the caller's monotonic clock, in milliseconds. */
export interface CoreCalls {
  /** SHA-256, 32 bytes. */
  sha256(data: Uint8Array): Promise<Uint8Array>;
  /**
   * Argon2id of a password, which is wiped, at {@linkcode PASSWORD_COST}: 32 bytes.
   * @param options `password` of 1 to {@linkcode MAX_SECRET_BYTES} bytes; `salt` of 16.
   */
  stretchPassword(options: { password: Uint8Array; salt: Uint8Array }): Promise<Uint8Array>;

  /** Makes a keystore with fresh keys, sealed under `secret` (wiped after). */
  createKeystore(
    options: { secret: Uint8Array; cost?: KeystoreCost },
  ): Promise<{ sealed: Uint8Array; nodeId: string }>;
  /**
   * Opens a sealed keystore.
   * @param options With `sealedSecret` (of {@linkcode sealSecret}), `secret` is the passphrase that opens it, and the
   *   keystore opens with what is inside. `secret` is wiped.
   * @throws {CryptoError} `unseal_failed` for a wrong secret or damaged bytes.
   */
  openKeystore(
    options: { sealed: Uint8Array; secret: Uint8Array; sealedSecret?: Uint8Array },
  ): Promise<OpenedKeystore>;
  /**
   * Adds a new noise key in front, keeps the former ones, and seals again.
   * @param options `secret` and `sealedSecret` as for {@linkcode openKeystore}.
   * @throws {CryptoError} `unseal_failed` for another secret than the keystore was opened with.
   */
  addNoiseKey(
    options: {
      keystore: KeyRef;
      secret: Uint8Array;
      sealedSecret?: Uint8Array;
      cost?: KeystoreCost;
    },
  ): Promise<{ sealed: Uint8Array; noiseKeys: readonly NoiseKeyInfo[] }>;
  /** Seals a node secret of 32 bytes under a passphrase of 1 to {@linkcode MAX_SECRET_BYTES} bytes. Both are wiped. */
  sealSecret(
    options: { secret: Uint8Array; passphrase: Uint8Array; cost?: KeystoreCost },
  ): Promise<Uint8Array>;
  /**
   * Opens what {@linkcode sealSecret} made; the passphrase is wiped, the secret is the caller's to wipe.
   * @throws {CryptoError} `unseal_failed` for a wrong passphrase or damaged bytes.
   */
  openSecret(options: { sealed: Uint8Array; passphrase: Uint8Array }): Promise<Uint8Array>;
  /**
   * Seals the same secret under another passphrase. Both passphrases are wiped.
   * @throws {CryptoError} `unseal_failed` for a wrong passphrase or damaged bytes.
   */
  resealSecret(
    options: {
      sealed: Uint8Array;
      passphrase: Uint8Array;
      newPassphrase: Uint8Array;
      cost?: KeystoreCost;
    },
  ): Promise<Uint8Array>;
  /**
   * Makes the key that is to follow an identity.
   * @returns 32 bytes from which {@linkcode openSuccessor} makes it again, the caller's to show and wipe; and `next`,
   *   SHA-256 of its raw public key.
   */
  createSuccessor(): Promise<{ phrase: Uint8Array; next: Uint8Array }>;
  /** Makes the successor of a recovery phrase; its 32 bytes are wiped. The handle signs like an identity. */
  openSuccessor(
    options: { phrase: Uint8Array },
  ): Promise<{ key: KeyRef; nodeId: string; next: Uint8Array }>;
  /**
   * Makes the keystore of a successor, with a fresh noise key and storage root, under a fresh secret.
   * @param options `passphrase` (wiped): what the secret is to be sealed under, as {@linkcode sealSecret} does.
   *   `former`: the keystore of the identity that is followed; its storage roots go along, so that the rows of its
   *   modules still open.
   * @returns `secret`, the caller's to wipe, is sealed if there is a passphrase, otherwise 32 bytes.
   */
  succeedKeystore(
    options: {
      successor: KeyRef;
      former?: KeyRef;
      passphrase?: Uint8Array;
      cost?: KeystoreCost;
    },
  ): Promise<{ sealed: Uint8Array; secret: Uint8Array }>;

  /**
   * Begins a backup under a passphrase of 1 to {@linkcode MAX_SECRET_BYTES} bytes, which is wiped.
   * @returns `head` stands first in the file.
   */
  beginBackup(
    options: { passphrase: Uint8Array; cost?: KeystoreCost },
  ): Promise<{ stream: KeyRef; head: Uint8Array }>;
  /** Seals the next chunk of a backup: {@linkcode BACKUP_CHUNK_BYTES}, and the last one at most that. */
  sealBackup(options: { stream: KeyRef; chunk: Uint8Array; isLast: boolean }): Promise<Uint8Array>;
  /**
   * Begins to read a backup; the passphrase is wiped.
   * @throws {CryptoError} `unseal_failed` for a head of another form.
   */
  openBackup(options: { passphrase: Uint8Array; head: Uint8Array }): Promise<KeyRef>;
  /**
   * Opens the next chunk. What it gives counts only once the last one has opened.
   * @throws {CryptoError} `unseal_failed` for a wrong passphrase, or a chunk that was changed, moved or cut off.
   */
  readBackup(options: { stream: KeyRef; chunk: Uint8Array; isLast: boolean }): Promise<Uint8Array>;
  /** Forgets a handle and wipes what it stood for; an unknown one is ignored. */
  release(key: KeyRef): Promise<void>;
  /** As {@linkcode CoreCalls.release}, for several. */
  releaseAll(keys: readonly KeyRef[]): Promise<void>;

  /** Signs a compact JWS with header `{alg: "EdDSA", typ, kid}`, `kid` being the key's own node id. */
  signJws(options: { key: KeyRef; typ: JwsType; payload: string }): Promise<string>;
  /**
   * Checks form, type, `kid` = payload `iss` and signature of a compact JWS.
   * @returns The payload's JSON text (an object) and its `iss`.
   * @throws {CryptoError} `bad_signature`.
   */
  verifyJws(options: { text: string; typ: JwsType }): Promise<{ iss: string; payload: string }>;

  /** `selectCryptoMethod` over `methods` (already the common ones, in their order). */
  selectMethod(
    options: { timestampMs: number; policy: RotationPolicy; methods: readonly string[] },
  ): Promise<string>;
  /** Makes a pair and seals each half to its node. Root and tokens never leave the core. */
  issuePair(options: {
    /** The directory's noise key. */
    noiseKey: KeyRef;
    issuer: string;
    method: string;
    epoch: number;
    issuedAt: number;
    expiresAt: number;
    a: { id: string; noiseKey: Uint8Array; record: string };
    b: { id: string; noiseKey: Uint8Array; record: string };
  }): Promise<IssuedPair>;
  /**
   * Opens the Noise X part of an envelope with any of the node's noise keys.
   * @throws {CryptoError} `envelope_failed`, also for another sender key or a half that is not well-formed.
   */
  openEnvelope(options: {
    noiseKeys: readonly KeyRef[];
    /** `noise_key` of the directory's record, 32 bytes. */
    directoryNoiseKey: Uint8Array;
    directoryId: string;
    nodeId: string;
    pairId: Uint8Array;
    noise: Uint8Array;
  }): Promise<OpenedEnvelope>;

  /**
   * Seals what at most {@linkcode MAX_CALL_ITEMS} vault lines are to hold.
   * @returns In the same order, base64 of nonce(12) ‖ ciphertext ‖ tag(16).
   * @throws {CryptoError} `bad_argument` for a set whose halves are not of one handshake.
   */
  sealLines(
    options: { vault: KeyRef; lines: readonly VaultLineContent[] },
  ): Promise<readonly string[]>;
  /**
   * Opens at most {@linkcode MAX_CALL_ITEMS} lines.
   * @returns In the same order; `null` for a line that does not open.
   */
  openLines(
    options: { vault: KeyRef; lines: readonly { name: string; sealed: string }[] },
  ): Promise<readonly (OpenedLine | null)[]>;

  /**
   * Makes the next lines of an audit log, of at most {@linkcode MAX_CALL_ITEMS} entries: as few lines as hold them.
   * @returns The lines, each with its newline, and where the log then stands.
   */
  auditLines(options: {
    /** The identity key. */
    key: KeyRef;
    log: KeyRef;
    from: AuditPosition;
    entries: readonly AuditEntry[];
  }): Promise<{ lines: Uint8Array; head: AuditPosition }>;
  /**
   * Reads at most {@linkcode MAX_CALL_ITEMS} lines of the audit log of `iss`, each without its newline.
   * @returns `null` for a line that is not of the form, or not signed by `iss` where `verify` asks for that. Entries
   *   that open are authentic, and of these numbers, in any case.
   */
  readAuditLines(
    options: {
      log: KeyRef;
      iss: string;
      lines: readonly string[];
      verify: boolean;
      open: boolean;
    },
  ): Promise<readonly (AuditLine | null)[]>;
  /** The `node_id` that stands for a peer in this log: HMAC-SHA256, base64url. */
  auditPeer(options: { log: KeyRef; peer: string }): Promise<string>;

  /**
   * Derives the key of a module's rows, under each of the node's storage roots.
   * @param options `storage` of {@linkcode OpenedKeystore}; `module`, its name; `salt`, 16 bytes: another one makes
   *   another key.
   */
  deriveModuleKey(options: { storage: KeyRef; module: string; salt: Uint8Array }): Promise<KeyRef>;
  /**
   * Seals at most {@linkcode MAX_CALL_ITEMS} rows and {@linkcode MAX_ROWS_BYTES} bytes under the newest root.
   * @param options `aad`: what a row is; it opens with the same bytes only. They are not part of what is sealed.
   * @returns In the same order, each 32 bytes longer than its content.
   */
  sealRows(
    options: { key: KeyRef; rows: readonly { aad: Uint8Array; content: Uint8Array }[] },
  ): Promise<readonly Uint8Array[]>;
  /**
   * Opens as many rows as {@linkcode sealRows} takes, under whichever root each was sealed.
   * @returns In the same order; `null` for a row that does not open.
   */
  openRows(
    options: { key: KeyRef; rows: readonly { aad: Uint8Array; sealed: Uint8Array }[] },
  ): Promise<readonly (Uint8Array | null)[]>;

  /** SHA-256(enc(suite, pair_id, noise)): what names a message 1. */
  handshakeHash(
    options: { suite: string; pairId: Uint8Array; noise: Uint8Array },
  ): Promise<Uint8Array>;
  /**
   * Writes message 1 from a half whose role is `initiator`.
   * @throws {CryptoError} `method_unknown`; `handshake_failed` for a noise key of low order.
   */
  startHandshake(options: {
    noiseKey: KeyRef;
    peerNoiseKey: Uint8Array;
    suite: Suite;
    half: KeyRef;
    record: string;
    succession?: string;
  }): Promise<{ handshake: KeyRef; noise: Uint8Array }>;
  /**
   * Reads message 1 with any of the node's noise keys.
   * @throws {CryptoError} `handshake_failed`, `method_unknown`.
   */
  readHandshake(options: {
    noiseKeys: readonly KeyRef[];
    suite: Suite;
    half: KeyRef;
    noise: Uint8Array;
  }): Promise<ReadHandshake>;
  /**
   * Runs `tokensMatch` and the KEM, writes message 2 and makes the session. The handshake is used up.
   * @throws {CryptoError} `handshake_failed`; `method_unknown` or `method_failed` for a module's method, of the pair
   *   or of the next ones.
   */
  acceptHandshake(options: {
    handshake: KeyRef;
    record: string;
    lifeMs: number;
    next: NextPairs;
    nowMs: number;
  }): Promise<AcceptedHandshake>;
  /**
   * Reads message 2. A failure changes nothing: the handshake goes on waiting for its answer.
   * @throws {CryptoError} `handshake_failed`, also where the next pairs' method is not in use; `method_unknown` or
   *   `method_failed` for a module's method.
   */
  readAnswer(options: { handshake: KeyRef; noise: Uint8Array }): Promise<ReadAnswer>;
  /** Makes the session of the last {@linkcode readAnswer}. The handshake is used up. */
  completeHandshake(
    options: { handshake: KeyRef; nowMs: number },
  ): Promise<EstablishedSession>;

  /**
   * Seals a frame: the next counter of the session's sending direction. Steps the ratchet first when
   * `mayStep` and the step is an hour old by `nowMs` or has {@linkcode MAX_STEP_FRAMES}.
   * @param options `header` is the JSON text, at most {@linkcode MAX_FRAME_HEADER_BYTES} of UTF-8. `body` must not be
   *   used afterwards: a large one is transferred. `more`: messages that share the frame, with the first one at most
   *   {@linkcode MAX_FRAME_MESSAGES}.
   * @throws {CryptoError} `bad_argument` if the frame would exceed {@linkcode MAX_FRAME_BYTES}; `key_unknown`;
   *   `exhausted`.
   */
  seal(options: {
    session: KeyRef;
    nowMs: number;
    mayStep: boolean;
    header: string;
    body?: Uint8Array;
    more?: readonly FrameMessage[];
    padding?: number;
  }): Promise<SealedFrame>;
  /** Opens a frame; see {@linkcode OpenedFrame}. Rejects only for an unknown session. */
  open(options: { session: KeyRef; nowMs: number; frame: Uint8Array }): Promise<OpenedFrame>;
  /**
   * Wipes the receiving keys of every session whose two minutes after a later step are over by `nowMs`. Sealing and
   * opening do so for their session; this is for those on which nothing is sent or comes.
   */
  wipeSpentKeys(options: { nowMs: number }): Promise<void>;

  /** Checks a method and takes it into use; {@linkcode CryptoCore.addMethod} lends it the permutation. */
  admitMethod(options: { name: string }): Promise<void>;
  /** Ends the use of a method, before {@linkcode CryptoCore.removeMethod} takes its permutation away. */
  dismissMethod(options: { name: string }): Promise<void>;

  /** Wipes every handle. Further calls reject with `core_failed`. */
  stop(): Promise<void>;
}
