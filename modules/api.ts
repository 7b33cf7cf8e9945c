/**
 * The contract between a node and its modules (docs/MODULES.md). Types and nothing else: a module imports this file,
 * `protocol/` and `crypto/encoding.ts`, and reaches the node through its {@linkcode ModuleContext} alone. Modules from
 * a file are written in JavaScript against the same contract; what they register runs in a Worker of their own.
 *
 * @module
 */
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import type { NodeId } from "../crypto/encoding.ts";
import type { Standing } from "../protocol/admin_api.ts";
import type { AuditEventName } from "../protocol/audit_events.ts";
import type { Check } from "../protocol/doctor.ts";
import type { FactorLevel } from "../protocol/factor_level.ts";
import type { MetricFamily, Trouble } from "../protocol/metrics.ts";
import type { ManifestInput } from "../protocol/module_manifest.ts";
import type { Role, StepUp } from "../protocol/sign_in_api.ts";

export type { NodeId };

/** A module. Everything but its manifest is optional. */
export interface OpenRedModule {
  readonly manifest: ManifestInput;
  /** The owner's routes, under `/m/<name>/` of the admin server. */
  registerRoutes?(router: ModuleRouter): void;
  /** Routes for everybody, on the listener where peers connect. Built-in modules only. */
  registerPublicRoutes?(router: PublicRouter): void;
  /** Routes for whoever watches the node, who shows the metrics token. Built-in modules only. */
  registerWatchRoutes?(router: WatchRouter): void;
  /** Frames and sealed calls of peers. Every type that the manifest declares has one handler. */
  registerPeerHandlers?(peers: PeerRouter): void;
  registerCryptoMethods?(methods: MethodRegistry): void;
  registerMiddleware?(chain: MiddlewareChain): void;
  /** How browsers sign in. Built-in modules only, and one of them. */
  registerSignIn?(): SignIn;
  /** How peers are asked for factors. Built-in modules only, and one of them. */
  registerAskFactors?(): AskFactors;
  /** Called once, after everything is registered and before the first frame or request comes. At most 10 s. */
  start?(context: ModuleContext): Promise<void>;
  /** Called before {@linkcode stop}: none begins any more, and what waits under way for a person is to end. */
  stopping?(): void;
  /** Called once; no frame or request comes any more. At most 10 s. */
  stop?(): Promise<void>;
  /** A session with this peer counts from now on: deliver what waits. */
  sessionConfirmed?(peer: NodeId): void;
  /**
   * Another identity has followed a peer. A built-in module is told inside the transaction that ends the old id, and
   * writes its own rows at once; any other one when it can be told, before anything else of either id.
   */
  peerMoved?(old: NodeId, next: NodeId): void;
  /** A peer was blocked or forgotten, told as {@linkcode peerMoved}: whatever waits for it goes. */
  peerForgotten?(peer: NodeId): void;
  /**
   * How much waits here for a peer, at once: the owner sees it, and a peer for whom something waits is not forgotten.
   * Of a module without it the node counts the frames that are not acknowledged.
   */
  waiting?(peer: NodeId): number;
  /** What there is to measure here, at once. Built-in modules only. */
  gauges?(): readonly ModuleGauge[];
}

/** A value that goes up and down. */
export interface ModuleGauge {
  /** `a–z`, digits and `_`: becomes `openred_<module>_<name>`. */
  readonly name: string;
  readonly help: string;
  readonly value: number;
}

/** How a module says that something is refused. Everything else that is thrown is a fault of the module. */
export interface Refusal {
  /** A stable code of `protocol/errors.ts`. */
  readonly code: string;
  /** One sentence for people. */
  readonly message: string;
}

// Routes of the owner

export type RouteMethod = "GET" | "POST" | "PUT" | "DELETE";

export interface RouteRequest {
  readonly method: RouteMethod;
  /** The path below `/m/<name>`, beginning with `/`. */
  readonly path: string;
  /** What stands in the places of `:name` in the pattern, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Of two members of one name the last. */
  readonly query: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Fires when nobody waits for the answer. */
  readonly signal: AbortSignal;
}

export interface RouteAnswer {
  /** 200 to 599; 200 unless it says so. */
  readonly status?: number;
  /** Becomes the body, as JSON. */
  readonly json?: unknown;
  /** The body itself, instead of `json`. */
  readonly body?: Uint8Array;
  /** The type of `body`, of a short list without what a browser would run. */
  readonly type?: string;
  /** Of a short list of names. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type RouteHandler = (request: RouteRequest) => Promise<RouteAnswer>;

/** Which factor a request asks for, by its body; it may refuse what has no form. */
export type StepUpOf = (body: Uint8Array) => Promise<StepUp | null> | StepUp | null;

/** What a route of the owner asks of a browser. Whoever has the admin token may do all of them. */
export interface RouteAccess {
  /** Who may ask: the owner alone unless it says so. */
  readonly role?: Role;
  /** The factor that has to be shown first, perhaps by what is asked; none unless it says so. */
  readonly stepUp?: StepUp | StepUpOf;
  /** Whether no browser may ask at all: only whoever has the admin token. */
  readonly isForShell?: boolean;
}

export interface ModuleRouter {
  /** @param pattern `/`, or segments such as `/notes/:id`. */
  route(method: RouteMethod, pattern: string, handler: RouteHandler, access?: RouteAccess): void;
}

// Signing in at the console

/** A browser, as its request shows it. The node has judged host, origin and form. */
export interface Browser {
  /** Origin of the console that it asked, such as `http://localhost:7610`. */
  readonly origin: string;
  /** Whether that is this machine's, not a proxy's. */
  readonly isLocal: boolean;
  /** What it sent as cookies of the session, a few at most: others on this host may set some too. */
  readonly cookies: readonly string[];
  /** What the page keeps in its storage. */
  readonly secret: string | null;
  /** What it sent as cookies of the device. */
  readonly devices: readonly string[];
  /** What it says it is. */
  readonly agent: string;
}

/** Somebody who is signed in. */
export interface SignedIn {
  readonly role: Role;
  /** Fires when the session ends. */
  readonly ended: AbortSignal;
  /**
   * Asks for a factor.
   * @param what The method and path, and the body: `once` is for these alone, and is used up.
   * @throws {Refusal} `step_up_required`.
   */
  demand(
    stepUp: StepUp,
    what: { readonly action: string; readonly body: Uint8Array },
  ): Promise<void>;
}

export interface SignInRequest {
  readonly method: "GET" | "POST";
  /** Below `/auth/v1`. */
  readonly path: string;
  readonly body: Uint8Array;
  readonly browser: Browser;
}

export interface SignInAnswer {
  readonly json: unknown;
  /** The session's cookie from now on; `null` removes it, absent leaves it. */
  readonly cookie?: string | null;
  /** The device's cookie from now on. */
  readonly device?: string;
}

/** Factors that a peer's node says its owner has just shown. Whoever holds that node's keys can say so too. */
export interface ShownFactors {
  readonly level: FactorLevel;
  /** Their kinds: `totp`, `passkey` … */
  readonly factors: readonly string[];
}

export interface PeerAuth {
  /**
   * Asks the owner of a peer's node for a fresh factor, and waits for it: at most two minutes. The peer's node has to
   * allow this one `auth`, and is asked at most five times an hour.
   * @param purpose What it is for, as the other owner reads it: a line of 1 to 120 characters.
   * @throws {Refusal} `forbidden` where that owner did not agree; `rate_limited`; `unreachable`; `bad_signature` for an
   *   answer to something else; `unsupported` where one of the two nodes has no module for it.
   */
  require(peer: NodeId, level: FactorLevel, purpose: string): Promise<ShownFactors>;
}

/** How a built-in module asks peers for factors, on behalf of all modules. */
export type AskFactors = (
  peer: NodeId,
  wanted: { readonly level: FactorLevel; readonly purpose: string; readonly module: string },
) => Promise<ShownFactors>;

/** Who asks at the console, and how somebody becomes one who may. One built-in module has it. */
export interface SignIn {
  /** @returns `null` for a stranger. */
  who(browser: Browser): Promise<SignedIn | null>;
  /** @throws {Refusal} */
  answer(request: SignInRequest): Promise<SignInAnswer>;
  /** Makes a one-time link's secret, or takes one that somebody has already; every former one is void. */
  makeLink(
    role: Role,
    secret?: string,
  ): Promise<{ readonly secret: string; readonly expiresAtMs: number }>;
  /** What became of the newest one. */
  linkState(): "none" | "waiting" | "used" | "over";
  /** Whether nobody ever signed in. */
  readonly isFirst: boolean;
}

// Routes for everybody

export type PublicMethod = "GET" | "POST";

/** A request of anybody at all: nothing is known of who asks. */
export interface PublicRequest {
  readonly method: PublicMethod;
  /** The path below the node's URL. It is logged nowhere, and may hold what nobody else is to know. */
  readonly path: string;
  /** What stands in the places of `:name` in the pattern, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Of two members of one name the last. */
  readonly query: Readonly<Record<string, string>>;
  /** Those that the route names, as far as they were there; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * As long as the route lets it be, and read as fast as somebody here reads; `null` without one. It errors with
   * `bad_request` where it breaks off or pauses for too long, with `too_large`, and with `overloaded`.
   */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** Whom limits count: the address, or what it is a part of. */
  readonly source: string;
  /** Whether it came through a relay. */
  readonly isRelayed: boolean;
  /** Fires when nobody waits for the answer. */
  readonly signal: AbortSignal;
}

/** A body that is made while it leaves: asked for a part only when the one before has left. */
export interface PublicStream {
  /** Exactly so many bytes come; the connection breaks where they do not. */
  readonly bytes: number;
  readonly parts: ReadableStream<Uint8Array>;
}

export interface PublicAnswer {
  /** 200 to 599; 200 unless it says so. */
  readonly status?: number;
  /** Becomes the body, as JSON. */
  readonly json?: unknown;
  /** The body itself, instead of `json`. */
  readonly body?: Uint8Array | PublicStream;
  /** The type of `body`; bytes that no browser runs unless it says so. */
  readonly type?: string;
  /** Of a short list of names. Unless they say so a browser keeps nothing, runs nothing and names nobody. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PublicRoute {
  readonly method: PublicMethod;
  /** As of a route of the owner, below one of the module's public prefixes (`protocol/peer_api.ts`). */
  readonly pattern: string;
  /** Which headers the handler gets, in lower case. */
  readonly headers?: readonly string[];
  /** 0 unless it says so. */
  readonly maxBodyBytes?: number;
  /** What it throws as a {@linkcode Refusal} is answered as problem+json. */
  readonly handler: (request: PublicRequest) => Promise<PublicAnswer>;
}

export interface PublicRouter {
  route(route: PublicRoute): void;
}

// Routes for whoever watches the node

export interface WatchRoute {
  /** `/` and one word; of the admin server, and of the listener for metrics. */
  readonly path: string;
  /** Whether it answers nobody without the metrics token; otherwise such a caller is told the status alone. */
  readonly isClosed: boolean;
  readonly handler: () => Promise<RouteAnswer>;
}

export interface WatchRouter {
  route(route: WatchRoute): void;
}

/** What the node tells of itself. */
export interface NodeWatch {
  readonly version: string;
  readonly uptimeMs: number;
  /** Everything counted and measured, as Prometheus reads it. From the first call on durations are measured. */
  metrics(): Promise<string>;
  /** The same but for durations. */
  numbers(): Promise<readonly MetricFamily[]>;
  /** What keeps the node from its work now. */
  troubles(): readonly Trouble[];
  /** Looks at address, directories and clock, which takes some seconds. */
  examine(): Promise<readonly Check[]>;
}

// Frames and sealed calls of peers

/** A frame, out of a confirmed session whose peer may send it. */
export interface PeerFrame {
  readonly peer: NodeId;
  /** The whole type: `<module>.<type>`. */
  readonly type: string;
  /** 1 to 64 of `A–Z a–z 0–9 _ -`; a frame with one wants to be acknowledged. */
  readonly id: string | undefined;
  /** Unchecked input of the peer, but for `type`, `id` and `must`. */
  readonly header: Readonly<Record<string, unknown>>;
  /** Less than 1 MiB. */
  readonly body: Uint8Array;
  /** Whether it is a stranger's contact request. */
  readonly isRequest: boolean;
}

export interface FrameHandler {
  /**
   * Takes a frame. One of the same `id` can come again, in another session or while the first is still being stored:
   * it is stored once, and answered alike. Frames have no order.
   * @returns Whether it was stored durably, so that it may be acknowledged; without an `id` it is not.
   * @throws {Refusal} For a frame that is dropped and counted.
   */
  receive(frame: PeerFrame): Promise<boolean>;
  /**
   * Tells whether the frame of this id was stored before, at once: it is asked for every repeat. Where a handler has
   * none, the node remembers the ids itself.
   */
  has?(peer: NodeId, id: string): boolean;
  /**
   * Whether a peer may send this frame though nothing permits it, at once: what the two belong to permits it instead.
   * A block outranks it.
   */
  admits?(peer: NodeId, header: PeerFrame["header"]): boolean;
}

/** What a sealed call is answered with: at most 64 KiB in all. */
export interface CallAnswer {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly body?: Uint8Array;
}

/** Answers a sealed call. @throws {Refusal} Which the caller gets as the answer's `error`. */
export type CallHandler = (call: PeerFrame) => Promise<CallAnswer>;

export interface PeerRouter {
  /** @param type The second half of a type that the manifest declares. */
  frame(type: string, handler: FrameHandler): void;
  /** @param type The second half of a type that the manifest declares with `answers`. */
  call(type: string, handler: CallHandler): void;
}

// Crypto methods

/**
 * A permutation of blocks of 32 bytes under keys of 32 bytes (docs/MODULES.md, "Crypto methods"). The node masks
 * every block before and behind: it is never a token.
 */
export interface BlockPermutation {
  forward(block: Uint8Array, key: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Undoes `forward`. */
  inverse(block: Uint8Array, key: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

export interface MethodRegistry {
  /** @param name That of a grant `method` of the manifest. */
  method(name: string, permutation: BlockPermutation): void;
}

// Middleware

/** What goes through the node, never what it says. */
export interface MiddlewareCall {
  /** An HTTP method, or `FRAME`, or `ASK` for a sealed call. */
  readonly method: string;
  /** The pattern of the route, or the frame's type. */
  readonly path: string;
  /** `null` for the owner, and on a public route. */
  readonly peer: NodeId | null;
  /** Length of the body; 0 on a public route. */
  readonly bytes: number;
}

/**
 * Runs before the handler, after sign-in, block and permission. What it throws as a {@linkcode Refusal} refuses the
 * call; a module from a file can refuse only what is its own, and is told of the rest afterwards.
 */
export type Middleware = (call: MiddlewareCall) => Promise<void> | void;

export interface MiddlewareChain {
  use(middleware: Middleware): void;
}

// What a module can reach

export interface ModulePeer {
  readonly id: NodeId;
  /** What the owner calls it. */
  readonly petname: string | null;
  /** What it calls itself: a claim. */
  readonly alias: string | null;
  /** Whether a session was once confirmed with it. */
  readonly known: boolean;
  /** Whether there is a session now. */
  readonly connected: boolean;
  readonly blocked: boolean;
}

/** Whom the node knows. A module from a file needs the grant `peers` for `list` and `find`. */
export interface ModulePeers {
  list(): Promise<readonly ModulePeer[]>;
  get(peer: NodeId): Promise<ModulePeer>;
  /**
   * Whom a word of the owner means: an id, a name or a contact link.
   * @throws {Refusal} `not_found`, `bad_request`.
   */
  find(word: string): Promise<NodeId>;
  /**
   * The owner wants to reach a peer: looks it up if it was never met, and lets it write here unless that was denied.
   * Built-in modules only.
   * @throws {Refusal} `forbidden` for a blocked peer, and what directories answer.
   */
  meet(word: string): Promise<NodeId>;
  /**
   * Whether {@linkcode meet} would let a peer do more here than it may now: such a route asks for a recent factor.
   * Built-in modules only.
   * @throws {Refusal} As {@linkcode find}.
   */
  widens(word: string): Promise<boolean>;
  /** What a peer is with regard to a permission of this module. */
  standing(peer: NodeId, permission: string): Promise<Standing>;
  /** The id that followed this one last: itself where none did. */
  lastId(peer: NodeId): Promise<NodeId>;
}

/** The peers as they are in this moment, for decisions inside a transaction. */
export interface PeersNow {
  lastId(peer: NodeId): NodeId;
  isBlocked(peer: NodeId): boolean;
  standing(peer: NodeId, permission: string): Standing;
  petname(peer: NodeId): string | null;
}

export interface OutgoingFrame {
  readonly peer: NodeId;
  /** The second half of a type of this module. */
  readonly type: string;
  /**
   * With one, the frame is repeated until it is acknowledged or cancelled, or the node stops: 1 to 64 of
   * `A–Z a–z 0–9 _ -`, unique for this node, the same whenever the message goes again. Those of a module from a file
   * are at most 30 long, and travel as `<name>-<id>`.
   */
  readonly id?: string;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly body?: Uint8Array;
}

export interface Sending {
  /**
   * Resolves with the round-trip time in milliseconds once the peer has stored it; with `null` if it was cancelled, if
   * the peer refused it, was blocked or forgotten, or the node stops. Without an `id`: `null`, at once.
   */
  readonly acknowledged: Promise<number | null>;
  /**
   * Whether the peer refused it, once `acknowledged` has resolved with `null`: no module there takes it, or not from
   * this node. It is not repeated any more. What is worth another try is sent again later, under the same `id`: when a
   * session is confirmed, or after minutes.
   */
  readonly refused: boolean;
  cancel(): void;
}

export interface Ask {
  readonly peer: NodeId;
  /** The second half of a type of this module that answers. */
  readonly type: string;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly body?: Uint8Array;
  /** How long to wait for a session and the answer, at most two minutes; 30 s unless it says so. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

export interface Answered {
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
}

export interface SealedRow {
  /** What the row is bound to, at most 1 KiB: opened with another one, it does not open. */
  readonly aad: Uint8Array;
  readonly content: Uint8Array;
}

export interface RowChange {
  /** 1 to 512 bytes of UTF-8. */
  readonly key: string;
  /** `null` deletes it. */
  readonly value: Uint8Array | null;
}

export interface RowRange {
  /** Keys that begin with it. */
  readonly prefix?: string;
  /** Keys above it. */
  readonly after?: string;
  /** 1 to 1,000. */
  readonly limit: number;
}

export interface StoredRow {
  readonly key: string;
  readonly value: Uint8Array;
}

/**
 * What a module keeps: durable when it resolves, in every backup, gone with the module's data only. Keys and values
 * are on disk as they are given: {@linkcode ModuleStorage.seal} what nobody may read there.
 */
export interface ModuleStorage {
  get(key: string): Promise<Uint8Array | null>;
  put(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  /** In the order of their keys. */
  range(range: RowRange): Promise<readonly StoredRow[]>;
  /** All or nothing; at most 1,000 changes. */
  batch(changes: readonly RowChange[]): Promise<void>;
  /** Seals under the module's own key, which never leaves the core. */
  seal(rows: readonly SealedRow[]): Promise<readonly Uint8Array[]>;
  /** @returns `null` for a row that does not open: changed, or bound to something else. */
  open(
    rows: readonly { readonly aad: Uint8Array; readonly sealed: Uint8Array }[],
  ): Promise<readonly (Uint8Array | null)[]>;
  /**
   * When what is kept here was last brought back from an earlier state, by a restore or because the disk had lost
   * writes; `null` if never. What the module gave out since that state, such as numbers, is not known here any more.
   */
  readonly restoredAtMs: number | null;
  /** Tables of a built-in module; `null` for any other one. */
  readonly tables: ModuleTables | null;
}

/** A prepared statement. */
export interface TableStatement {
  get(...values: SQLInputValue[]): Record<string, SQLOutputValue> | undefined;
  all(...values: SQLInputValue[]): Record<string, SQLOutputValue>[];
  run(...values: SQLInputValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
}

/** Tables of a module in the node's database; their names begin with the module's. */
export interface ModuleTables {
  /**
   * Brings the tables to their newest form. Step n leads from version n to n + 1; new ones are appended, none is ever
   * changed. Called once, before anything else.
   */
  migrate(steps: readonly string[]): void;
  /** Prepared once for each text. */
  statement(sql: string): TableStatement;
  /**
   * Runs writes inside the next durable transaction, with what the peers are then; resolves after it.
   * @throws {Refusal} `overloaded` if the database takes nothing now; then nothing was written.
   */
  write(apply: (peers: PeersNow) => void): Promise<void>;
  /** What the peers are now. */
  readonly peers: PeersNow;
  /** Overwrites what deleted rows have left in the files of the database. Takes its time. */
  wipe(): Promise<void>;
}

/** Files of a module's own, in a folder of the data directory; in every backup. */
export interface ModuleFiles {
  /** @returns The content, or `null` if there is no such file. */
  read(name: string): Promise<Uint8Array | null>;
  /** Atomic and durable. @param name 1 to 64 of `A–Z a–z 0–9 _ . -`, no dot first. */
  write(name: string, content: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
  list(): Promise<readonly { readonly name: string; readonly bytes: number }[]>;
}

/** The hash tree of BitTorrent v2 over files, a chunk of 1 MiB at a time (docs/PROTOCOL.md, "Content id"). */
export interface FileHashes {
  /** The root of one chunk, 32 bytes. @param data The caller's no more. @param isWhole The file has no other one. */
  chunk(data: Uint8Array, options: { readonly isWhole: boolean }): Promise<Uint8Array>;
  /** The root of a file from those of its two or more chunks. */
  layer(roots: Uint8Array): Promise<Uint8Array>;
}

/** Passwords that somebody without a node types elsewhere (docs/PROTOCOL.md, "Links"). */
export interface Passwords {
  /**
   * Argon2id of a password, 32 bytes; takes its time.
   * @param password 1 to 1,024 bytes, wiped.
   * @param salt 16 bytes.
   */
  stretch(password: Uint8Array, salt: Uint8Array): Promise<Uint8Array>;
}

/** What a key of a transfer is made from, and what each chunk under it is bound to (docs/PROTOCOL.md, "Files"). */
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

/** Which chunk it is, and what it has to be. */
export interface FileChunk {
  readonly key: FileKey;
  /** Its place in the part: a number seals one content under one key, ever. */
  readonly number: number;
  /** Of the chunk, 32 bytes; `null` for what is no content of a file. */
  readonly root: Uint8Array | null;
  /** The file has no other chunk. */
  readonly isWhole: boolean;
}

/**
 * Chunks of files on their way, 1 byte to 1 MiB each; sealed ones are 16 bytes longer. What is given to a call is the
 * caller's no more, with all the memory that it lies in; what comes back lies there, if that has room.
 */
export interface FileSealing {
  /** @returns `null` where it has another root: then nothing is sealed. */
  seal(chunk: FileChunk, data: Uint8Array): Promise<Uint8Array<ArrayBuffer> | null>;
  /**
   * @returns `null` where it has another root.
   * @throws {Refusal} `bad_signature` where it does not open.
   */
  open(chunk: FileChunk, sealed: Uint8Array): Promise<Uint8Array<ArrayBuffer> | null>;
}

export interface PeerBytesRequest {
  readonly peer: NodeId;
  /** Below the peer's URL, without a slash first. */
  readonly path: string;
  /** The first byte, and the one behind the last. */
  readonly range: { readonly from: number; readonly to: number };
  readonly signal: AbortSignal;
}

/** What comes from a peer's public route. It holds a connection until it is closed. */
export interface PeerBytes {
  /** 206 where it is what was asked for; anything else has no bytes here. */
  readonly status: number;
  /** Whether it comes through a relay. */
  readonly isRelayed: boolean;
  /** @returns How many bytes; `null` behind the last. @throws {Refusal} `unreachable`, where nothing comes for 30 s too. */
  read(target: Uint8Array<ArrayBuffer>): Promise<number | null>;
  close(): void;
}

export interface WebPost {
  readonly url: string;
  /** Sent as JSON. */
  readonly json: unknown;
  readonly maxAnswerBytes: number;
  readonly signal: AbortSignal;
}

export interface WebPosted {
  readonly status: number;
  readonly body: Uint8Array;
}

export interface WebBytesRequest {
  readonly url: string;
  /** The first byte; all from there on is wanted. */
  readonly from: number;
  readonly signal: AbortSignal;
}

/** What comes from an address. It holds a connection until it is closed. */
export interface WebBytes {
  readonly status: number;
  /** How many come. */
  readonly bytes: number;
  /** @returns How many bytes; `null` behind the last. @throws {Refusal} `unreachable`, where nothing comes for 30 s too. */
  read(target: Uint8Array<ArrayBuffer>): Promise<number | null>;
  close(): void;
}

/**
 * Addresses that the owner named; the policy for URLs holds for each, and no redirect is followed. All of it throws
 * `unreachable` where no answer comes, `url_refused` for an address that must not be called.
 */
export interface OwnersWeb {
  post(request: WebPost): Promise<WebPosted>;
  bytes(request: WebBytesRequest): Promise<WebBytes>;
}

/** A file of the machine that is read. Other programs may change it at any moment. */
export interface OwnerFile {
  /** How long it was when it was opened. */
  readonly bytes: number;
  /** When it was changed last, in milliseconds since the epoch, where the system says so. */
  readonly modifiedMs?: number;
  /**
   * @param into Where to; memory of its own unless it says so.
   * @returns Fewer than `length` bytes where it ends.
   */
  read(
    at: number,
    length: number,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>;
  close(): void;
}

/** A file that grows under a name of its own until it is whole. */
export interface PartFile extends OwnerFile {
  /** @throws {Refusal} `overloaded` where the disk takes no more. */
  write(at: number, content: Uint8Array): Promise<void>;
  /**
   * Cuts it down to so many bytes, and makes what was written durable.
   * @param modifiedMs When it is to have been changed last; now, unless it says so.
   * @throws {Refusal} `overloaded`.
   */
  finish(bytes: number, modifiedMs?: number): Promise<void>;
}

/** A folder of the machine that files land in. Names are single ones, without separators. */
export interface LandingFolder {
  /** Absolute, without links. */
  readonly path: string;
  names(): Promise<readonly string[]>;
  /** Opens a file that grows, or makes one of mode 0600. @throws {Refusal} `forbidden` for anything else of this name. */
  openPart(part: string): Promise<PartFile>;
  /** Opens a file that has landed; `null` if there is none. */
  openLanded(name: string): Promise<OwnerFile | null>;
  /**
   * Gives a part its name, durably. Nothing is ever replaced, and no link is followed.
   * @returns Whether the name was free.
   * @throws {Refusal} `forbidden` where the folder has been replaced; `overloaded`.
   */
  land(part: string, name: string): Promise<boolean>;
  /** One that is not there is ignored. */
  removePart(part: string): Promise<void>;
  /**
   * Opens a folder in this one, or makes it with mode 0700. @throws {Refusal} `forbidden` for anything else of this name;
   *   `overloaded`.
   */
  openFolder(name: string): Promise<LandingFolder>;
  /** Opens a folder in this one; `null` if there is none. */
  findFolder(name: string): Promise<LandingFolder | null>;
  /** As {@linkcode land}, for a folder that has grown here under a name of its own. */
  landFolder(grown: string, name: string): Promise<boolean>;
  /** Removes a folder with all that is in it; follows no link. One that is not there is ignored. */
  removeFolder(name: string): Promise<void>;
  /** Makes the names in it durable. */
  sync(): Promise<void>;
  /** What its disk has room for; `null` where the system does not say. */
  freeBytes(): Promise<number | null>;
}

/** What lies in a folder, in no order. Its paths are relative, their parts between slashes. */
export interface FolderListing {
  readonly entries: readonly {
    readonly path: string;
    /** `null` for a folder. */
    readonly bytes: number | null;
    /** Of a file, as of one that is open. */
    readonly modifiedMs?: number;
  }[];
  /** Links, special files, and what the node keeps. */
  readonly leftOut: number;
}

/**
 * Files of any size, wherever the owner names them, but not in the node's data directory. Paths are absolute and come
 * from the owner alone, never from a peer.
 */
export interface OwnerFiles {
  /** @throws {Refusal} `not_found`; `forbidden` for what is no file, or lies in the node's data. */
  openFile(path: string): Promise<OwnerFile>;
  /** @throws {Refusal} `not_found`; `forbidden` for what is no folder, or lies in the node's data. */
  openFolder(path: string): Promise<LandingFolder>;
  /**
   * All that lies below a folder. @returns `null` for what is no folder.
   * @throws {Refusal} `not_found`; `forbidden` in the node's data; `too_large` for more than `maxEntries`.
   * @throws {DOMException} `AbortError` when `signal` fired.
   */
  listFolder(
    path: string,
    options: { readonly maxEntries: number; readonly signal?: AbortSignal },
  ): Promise<FolderListing | null>;
  /**
   * Opens a file below a folder, through no link.
   * @param folder Without links, as {@linkcode LandingFolder.path} is.
   * @throws {Refusal} As {@linkcode openFile}.
   */
  openInside(folder: string, path: string): Promise<OwnerFile>;
}

/** What built-in modules sign in the node's name (docs/PROTOCOL.md, "Signatures"). */
export type SignedType =
  | "openred-group+jwt"
  | "openred-group-member+jwt"
  | "openred-group-message+jwt"
  | "openred-auth+jwt";

/** A signed text that holds: what it says, whoever brought it. */
export interface VerifiedText {
  readonly iss: NodeId;
  /** Unchecked input of its signer, but for `iss`. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** SHA-256 of the signing input, base64url: what a signed text is called by others. */
  readonly hash: string;
}

/** The identity key, for the types that modules need and no others. */
export interface ModuleSignatures {
  /** Signs `{v: 3, iss: <own id>, …payload}`. */
  sign(type: SignedType, payload: Readonly<Record<string, unknown>>): Promise<string>;
  /** @throws {Refusal} `bad_signature` for any text that is not of this type, form and signature. */
  verify(type: SignedType | "openred-succession+jwt", text: string): Promise<VerifiedText>;
  /** 32 bytes. */
  sha256(data: Uint8Array): Promise<Uint8Array>;
  /** The successions that this node came from, oldest first, the newest eight; none of a first identity. */
  readonly ownSuccessions: readonly string[];
  /** SHA-256 of the key that may follow a peer's, or this node's own, as far as it is known: 32 bytes in base64url. */
  nextOf(id: NodeId): string | null;
}

export interface FetchRequest {
  /** Its origin is one that was granted. */
  readonly url: string;
  /** `GET` unless it says so. */
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface FetchAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** At most 960 KiB. */
  readonly body: Uint8Array;
}

/** A folder of the machine that the owner granted. No link is followed. */
export interface GrantedFolder {
  list(path: string): Promise<readonly { readonly name: string; readonly isFolder: boolean }[]>;
  /** At most 960 KiB. @returns `null` if there is no such file. */
  read(path: string): Promise<Uint8Array | null>;
  /** Only where `write` was granted. Atomic; at most 960 KiB. */
  write(path: string, content: Uint8Array): Promise<void>;
}

export type OptionValue = string | number | boolean;

export interface ModuleClock {
  /** Milliseconds since the Unix epoch. May jump. */
  nowMs(): number;
  /** Milliseconds since some fixed point; never goes back. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`. The returned function cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** What is noted. */
export type AuditNote =
  & LogFields
  & { readonly success: boolean }
  & (
    | { readonly peer: NodeId }
    | { readonly link: string }
  );

/** Notes what matters to security (docs/ARCHITECTURE.md, "The audit log"). Nothing of it need be waited for. */
export interface ModuleAudit {
  /**
   * @param fields No name, text or path: the log lies in plain on the disk. No other member than `peer` names a peer.
   * @param by `peer` for what the named one can cause as often as it likes: each has a share of the log; `stranger` for
   *   what anybody can.
   */
  note(event: AuditEventName, fields: AuditNote, by: "owner" | "peer" | "stranger"): void;
  /** @param by `stranger` for what anybody on this machine can cause as often as they like. */
  noteOwn(
    event: AuditEventName,
    fields: LogFields & { readonly success: boolean },
    by: "owner" | "stranger",
  ): void;
}

/** All that a module can reach. It holds while the module runs. */
export interface ModuleContext {
  readonly own: { readonly id: NodeId; readonly alias: string | null };
  readonly peers: ModulePeers;
  /**
   * Sends a frame of this module, now or as soon as there is a session, which is seen to.
   * @throws {Refusal} `bad_request` for a type that is not declared; `too_large`; `overloaded` while too many wait.
   */
  send(frame: OutgoingFrame): Sending;
  /**
   * Makes a sealed call: repeated until the answer is there. It runs once at the peer, unless that starts anew meanwhile.
   * @throws {Refusal} What the peer refused it with (`forbidden` where this node may not, `unsupported` where no module
   *   takes it, `internal` where that failed); `unreachable` where no answer came in time or the call was given up:
   *   whether the peer has acted is not known then. Of this node: `bad_request`, `too_large`; `overloaded` while too
   *   many calls of this module, or 16 to this peer, are under way.
   */
  ask(ask: Ask): Promise<Answered>;
  readonly storage: ModuleStorage;
  readonly files: ModuleFiles;
  /** By the name of each option of the manifest. */
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly clock: ModuleClock;
  readonly random: { bytes(length: number): Uint8Array<ArrayBuffer> };
  readonly log: {
    log(level: "debug" | "info" | "warn" | "error", event: string, fields?: LogFields): void;
  };
  readonly metrics: { count(name: string, by?: number): void };
  readonly events: {
    /** Tells whoever watches the node, as an event `<module>.<type>`. `data` is JSON. */
    emit(type: string, data: Readonly<Record<string, unknown>>): void;
    /** Tells the operator something until it is taken back. */
    warn(topic: string, text: string): void;
    settle(topic: string): void;
  };
  /** The node's audit log; `null` for a module from a file. */
  readonly audit: ModuleAudit | null;
  /** 32 bytes that both ends of the present session with a peer have, and nobody else; `null` without a session. */
  binding(peer: NodeId): Promise<Uint8Array | null>;
  /** Factors of peers' owners. */
  readonly auth: PeerAuth;
  /** Files of the machine; `null` for a module from a file. */
  readonly disk: OwnerFiles | null;
  /** `null` for a module from a file. */
  readonly hashes: FileHashes | null;
  /** `null` for a module from a file. */
  readonly signatures: ModuleSignatures | null;
  readonly passwords: Passwords | null;
  /** `null` for a module from a file, which has {@linkcode ModuleContext.fetch}. */
  readonly web: OwnersWeb | null;
  readonly sealing: FileSealing | null;
  /** `null` for a module from a file. */
  readonly watch: NodeWatch | null;
  /**
   * Asks a public route of a peer for a range of bytes. Built-in modules only.
   * @throws {Refusal} `unreachable` where the peer cannot be called; `url_refused` where its URL must not be.
   */
  peerBytes(request: PeerBytesRequest): Promise<PeerBytes>;
  /** @throws {Refusal} `forbidden` for an origin that is not granted; `unreachable`. */
  fetch(request: FetchRequest): Promise<FetchAnswer>;
  /** @throws {Refusal} `forbidden` where it is not granted. */
  folder(name: string): Promise<GrantedFolder>;
}
