/**
 * The calls of the core by name: what the core in the caller's thread, its Worker and the Worker's
 * client agree on.
 *
 * @module
 */
import type { CryptoCore, KeyRef } from "../interface.ts";

/** All calls; on the way to the Worker a call is its place in this list. */
export const CALL_NAMES = [
  "sha256",
  "blake3",
  "createKeystore",
  "openKeystore",
  "addNoiseKey",
  "sealSecret",
  "openSecret",
  "resealSecret",
  "createSuccessor",
  "openSuccessor",
  "succeedKeystore",
  "beginBackup",
  "sealBackup",
  "openBackup",
  "readBackup",
  "release",
  "signJws",
  "verifyJws",
  "selectMethod",
  "issuePair",
  "openEnvelope",
  "sealHalf",
  "openHalf",
  "sealNote",
  "openNote",
  "openLines",
  "auditLines",
  "readAuditLines",
  "auditPeer",
  "handshakeHash",
  "startHandshake",
  "readHandshake",
  "acceptHandshake",
  "readAnswer",
  "completeHandshake",
  "seal",
  "open",
  "sendState",
  "wipeSpentKeys",
  "stop",
] as const satisfies readonly (keyof CryptoCore)[];

export type CallName = typeof CALL_NAMES[number];
export type CallArgument<N extends CallName> = Parameters<CryptoCore[N]>[0];
export type CallResult<N extends CallName> = Awaited<ReturnType<CryptoCore[N]>>;

/** What does a call: at once where it can, otherwise with a promise. */
export type CallTable = {
  readonly [N in CallName]: (
    argument: CallArgument<N>,
  ) => CallResult<N> | Promise<CallResult<N>>;
};

/** A core all of whose calls go one way, which a subclass gives. */
export abstract class CallingCore implements CryptoCore {
  protected abstract call<N extends CallName>(
    name: N,
    argument: CallArgument<N>,
  ): Promise<CallResult<N>>;

  sha256(data: Uint8Array): Promise<Uint8Array> {
    return this.call("sha256", data);
  }

  blake3(options: CallArgument<"blake3">): Promise<CallResult<"blake3">> {
    return this.call("blake3", options);
  }

  createKeystore(
    options: CallArgument<"createKeystore">,
  ): Promise<CallResult<"createKeystore">> {
    return this.call("createKeystore", options);
  }

  openKeystore(options: CallArgument<"openKeystore">): Promise<CallResult<"openKeystore">> {
    return this.call("openKeystore", options);
  }

  addNoiseKey(options: CallArgument<"addNoiseKey">): Promise<CallResult<"addNoiseKey">> {
    return this.call("addNoiseKey", options);
  }

  sealSecret(options: CallArgument<"sealSecret">): Promise<CallResult<"sealSecret">> {
    return this.call("sealSecret", options);
  }

  openSecret(options: CallArgument<"openSecret">): Promise<CallResult<"openSecret">> {
    return this.call("openSecret", options);
  }

  resealSecret(options: CallArgument<"resealSecret">): Promise<CallResult<"resealSecret">> {
    return this.call("resealSecret", options);
  }

  createSuccessor(): Promise<CallResult<"createSuccessor">> {
    return this.call("createSuccessor", undefined);
  }

  openSuccessor(options: CallArgument<"openSuccessor">): Promise<CallResult<"openSuccessor">> {
    return this.call("openSuccessor", options);
  }

  succeedKeystore(
    options: CallArgument<"succeedKeystore">,
  ): Promise<CallResult<"succeedKeystore">> {
    return this.call("succeedKeystore", options);
  }

  beginBackup(options: CallArgument<"beginBackup">): Promise<CallResult<"beginBackup">> {
    return this.call("beginBackup", options);
  }

  sealBackup(options: CallArgument<"sealBackup">): Promise<CallResult<"sealBackup">> {
    return this.call("sealBackup", options);
  }

  openBackup(options: CallArgument<"openBackup">): Promise<CallResult<"openBackup">> {
    return this.call("openBackup", options);
  }

  readBackup(options: CallArgument<"readBackup">): Promise<CallResult<"readBackup">> {
    return this.call("readBackup", options);
  }

  release(key: KeyRef): Promise<void> {
    return this.call("release", key);
  }

  signJws(options: CallArgument<"signJws">): Promise<CallResult<"signJws">> {
    return this.call("signJws", options);
  }

  verifyJws(options: CallArgument<"verifyJws">): Promise<CallResult<"verifyJws">> {
    return this.call("verifyJws", options);
  }

  selectMethod(options: CallArgument<"selectMethod">): Promise<CallResult<"selectMethod">> {
    return this.call("selectMethod", options);
  }

  issuePair(options: CallArgument<"issuePair">): Promise<CallResult<"issuePair">> {
    return this.call("issuePair", options);
  }

  openEnvelope(options: CallArgument<"openEnvelope">): Promise<CallResult<"openEnvelope">> {
    return this.call("openEnvelope", options);
  }

  sealHalf(options: CallArgument<"sealHalf">): Promise<CallResult<"sealHalf">> {
    return this.call("sealHalf", options);
  }

  openHalf(options: CallArgument<"openHalf">): Promise<CallResult<"openHalf">> {
    return this.call("openHalf", options);
  }

  sealNote(options: CallArgument<"sealNote">): Promise<CallResult<"sealNote">> {
    return this.call("sealNote", options);
  }

  openNote(options: CallArgument<"openNote">): Promise<CallResult<"openNote">> {
    return this.call("openNote", options);
  }

  openLines(options: CallArgument<"openLines">): Promise<CallResult<"openLines">> {
    return this.call("openLines", options);
  }

  auditLines(options: CallArgument<"auditLines">): Promise<CallResult<"auditLines">> {
    return this.call("auditLines", options);
  }

  readAuditLines(
    options: CallArgument<"readAuditLines">,
  ): Promise<CallResult<"readAuditLines">> {
    return this.call("readAuditLines", options);
  }

  auditPeer(options: CallArgument<"auditPeer">): Promise<string> {
    return this.call("auditPeer", options);
  }

  handshakeHash(options: CallArgument<"handshakeHash">): Promise<CallResult<"handshakeHash">> {
    return this.call("handshakeHash", options);
  }

  startHandshake(
    options: CallArgument<"startHandshake">,
  ): Promise<CallResult<"startHandshake">> {
    return this.call("startHandshake", options);
  }

  readHandshake(options: CallArgument<"readHandshake">): Promise<CallResult<"readHandshake">> {
    return this.call("readHandshake", options);
  }

  acceptHandshake(
    options: CallArgument<"acceptHandshake">,
  ): Promise<CallResult<"acceptHandshake">> {
    return this.call("acceptHandshake", options);
  }

  readAnswer(options: CallArgument<"readAnswer">): Promise<CallResult<"readAnswer">> {
    return this.call("readAnswer", options);
  }

  completeHandshake(
    options: CallArgument<"completeHandshake">,
  ): Promise<CallResult<"completeHandshake">> {
    return this.call("completeHandshake", options);
  }

  seal(options: CallArgument<"seal">): Promise<CallResult<"seal">> {
    return this.call("seal", options);
  }

  open(options: CallArgument<"open">): Promise<CallResult<"open">> {
    return this.call("open", options);
  }

  sendState(session: KeyRef): Promise<CallResult<"sendState">> {
    return this.call("sendState", session);
  }

  wipeSpentKeys(options: CallArgument<"wipeSpentKeys">): Promise<void> {
    return this.call("wipeSpentKeys", options);
  }

  stop(): Promise<void> {
    return this.call("stop", undefined);
  }
}
