/**
 * The calls of the core: what the core in the caller's thread, its Worker and the Worker's client agree on.
 *
 * @module
 */
import type { CoreCalls } from "../interface.ts";

type ArgumentOf<N extends keyof CoreCalls> = Parameters<CoreCalls[N]>[0];

/** The members of a call's argument that are byte arrays. */
type ByteMembers<A> = A extends object ? A extends Uint8Array ? never
  : { [M in keyof A]-?: NonNullable<A[M]> extends Uint8Array ? M : never }[keyof A]
  : never;

/**
 * What becomes of a byte array. `kept`: it stays the caller's. `secret`: it unseals keys, so it is wiped on both sides of
 * the Worker, however the call ends, and no copy of the message is left. `moved`: a large one is the caller's no more.
 */
export type MemberKind = "kept" | "secret" | "moved";

/** Every byte array of a call has to say what it is: a new one without a word here does not compile. */
type CallMembers = {
  readonly [N in keyof CoreCalls]: {
    readonly [M in ByteMembers<ArgumentOf<N>>]: MemberKind;
  };
};

/** All calls, and the byte arrays of their arguments. */
export const CALLS = {
  sha256: {},
  stretchPassword: { password: "secret", salt: "kept" },
  createKeystore: { secret: "secret" },
  openKeystore: { sealed: "kept", secret: "secret", sealedSecret: "kept" },
  addNoiseKey: { secret: "secret", sealedSecret: "kept" },
  sealSecret: { secret: "secret", passphrase: "secret" },
  openSecret: { sealed: "kept", passphrase: "secret" },
  resealSecret: { sealed: "kept", passphrase: "secret", newPassphrase: "secret" },
  createSuccessor: {},
  openSuccessor: { phrase: "secret" },
  succeedKeystore: { passphrase: "secret" },
  beginBackup: { passphrase: "secret" },
  sealBackup: { chunk: "kept" },
  openBackup: { passphrase: "secret", head: "kept" },
  readBackup: { chunk: "kept" },
  release: {},
  releaseAll: {},
  signJws: {},
  verifyJws: {},
  selectMethod: {},
  issuePair: {},
  openEnvelope: { directoryNoiseKey: "kept", pairId: "kept", noise: "kept" },
  sealLines: {},
  openLines: {},
  auditLines: {},
  readAuditLines: {},
  auditPeer: {},
  deriveModuleKey: { salt: "kept" },
  sealRows: {},
  openRows: {},
  handshakeHash: { pairId: "kept", noise: "kept" },
  startHandshake: { peerNoiseKey: "kept" },
  readHandshake: { noise: "kept" },
  acceptHandshake: {},
  readAnswer: { noise: "kept" },
  completeHandshake: {},
  seal: { body: "moved" },
  open: { frame: "kept" },
  wipeSpentKeys: {},
  admitMethod: {},
  dismissMethod: {},
  stop: {},
} as const satisfies CallMembers;

export type CallName = keyof typeof CALLS;
export type CallArgument<N extends CallName> = ArgumentOf<N>;
export type CallResult<N extends CallName> = Awaited<ReturnType<CoreCalls[N]>>;

/** All names; on the way to the Worker a call is its place in this list. */
export const CALL_NAMES = Object.keys(CALLS) as readonly CallName[];

/** Small and frequent calls, without secrets that are to be wiped, that are answered at once. */
export const SLOT_CALLS: ReadonlySet<CallName> = new Set(["seal", "open"]);

/** What does a call: at once where it can, otherwise with a promise. */
export type CallTable = {
  readonly [N in CallName]: (
    argument: CallArgument<N>,
  ) => CallResult<N> | Promise<CallResult<N>>;
};

function membersOf(name: CallName, kind: MemberKind): readonly string[] {
  return Object.entries(CALLS[name]).flatMap(([member, its]) => its === kind ? [member] : []);
}

const SECRET_MEMBERS = new Map(CALL_NAMES.map((name) => [name, membersOf(name, "secret")]));

/** The calls of which a byte array is the caller's no more. */
export const MOVING_CALLS: ReadonlySet<CallName> = new Set(
  CALL_NAMES.filter((name) => membersOf(name, "moved").length > 0),
);

/** Whether anything that unseals keys may be in a call. */
export function takesSecrets(name: CallName): boolean {
  return (SECRET_MEMBERS.get(name)?.length ?? 0) > 0;
}

/** Wipes what unseals keys. @returns Whether there was any. */
export function wipeSecrets(name: CallName, argument: unknown): boolean {
  const members = SECRET_MEMBERS.get(name) ?? [];
  if (members.length === 0 || typeof argument !== "object" || argument === null) return false;
  const given = argument as Readonly<Record<string, unknown>>;
  const secrets = members.flatMap((member) => given[member] ?? []);
  for (const secret of secrets) {
    if (secret instanceof Uint8Array) secret.fill(0);
  }
  return secrets.length > 0;
}
