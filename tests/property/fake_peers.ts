/**
 * Peers of one node: a stranger, a caller that starts handshakes, and a friend with a confirmed session.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { decodeBase64Url, encodeBase64Url } from "../../crypto/encoding.ts";
import type { EstablishedSession, KeyRef } from "../../crypto/interface.ts";
import { MAX_RECORD_BYTES } from "../../protocol/limits.ts";
import { type Edit, NO_EDIT } from "./edits.ts";
import type { FakePair, FakeParty } from "./fake_network.ts";
import type { RunningNode } from "./running_node.ts";

const HANDSHAKES_PER_PAIR = 5;
const SUITE = "ik-x25519-mlkem768";

interface StartedHandshake {
  readonly handshake: KeyRef;
  readonly message: { v: number; suite: string; pair_id: string; noise: string };
}

interface PostedFrame {
  readonly session_id: string;
  readonly data: string;
}

export class FakePeers {
  readonly stranger: FakeParty;
  readonly friend: FakeParty;
  /** Called when the friend is about to acknowledge a message of this type. */
  beforeAcknowledging: (type: string) => void = () => {};
  /** Ids of the messages that the node has acknowledged to the friend. */
  readonly acknowledged = new Set<string>();
  /** Called when the node has acknowledged a message. */
  onAcknowledged: (id: string) => void = () => {};
  readonly #node: RunningNode;
  readonly #caller: FakeParty;
  #session!: EstablishedSession;
  #pair: { pair: FakePair; uses: number } | null = null;

  private constructor(node: RunningNode, parties: readonly [FakeParty, FakeParty, FakeParty]) {
    this.#node = node;
    [this.stranger, this.#caller, this.friend] = parties;
  }

  /** Makes the peers, and connects the friend. */
  static async create(node: RunningNode): Promise<FakePeers> {
    const { network } = node;
    const peers = new FakePeers(node, [
      await network.createPeer("stranger"),
      await network.createPeer("caller"),
      await network.createPeer("friend"),
    ]);
    await peers.#connect();
    return peers;
  }

  /** Both halves of a new pair: the peer's opened, the node's as the envelope's statement. */
  issue(peer: FakeParty, record: string): Promise<FakePair> {
    const { id, record: { noiseKey, text }, network } = this.#node;
    return network.issue(peer, {
      record: record.slice(0, MAX_RECORD_BYTES),
      node: { id, noiseKey, record: text },
    });
  }

  /** A valid push of an envelope, but for the edits. */
  async push(
    edits: { readonly statement: Edit; readonly directory: Edit; readonly peer: Edit },
  ): Promise<{ envelope: string; directory: string }> {
    const peerRecord = await this.#node.network.record(this.stranger, edits.peer);
    const { statement } = await this.issue(this.stranger, peerRecord);
    return await this.#envelope(statement, edits);
  }

  async #envelope(
    payload: object,
    edits: { readonly statement: Edit; readonly directory: Edit },
  ): Promise<{ envelope: string; directory: string }> {
    const { network } = this.#node;
    const { directory } = network;
    const edit = edits.statement;
    return {
      envelope: await network.sign(directory, { typ: "openred-pair+jwt", payload, edit }),
      directory: await network.record(directory, edits.directory),
    };
  }

  /** Message 1 of the caller, on a pair that is still good for it. */
  async message1(edit: Edit): Promise<StartedHandshake["message"]> {
    const held = this.#pair;
    const current = held !== null && held.uses < HANDSHAKES_PER_PAIR
      ? held
      : { pair: await this.#deliver(this.#caller), uses: 0 };
    current.uses += 1;
    this.#pair = current;
    return (await this.#start(this.#caller, current.pair, edit)).message;
  }

  /** A frame of the friend's session, as it is posted. */
  async frame(header: string, body?: Uint8Array): Promise<PostedFrame> {
    const { frame } = await this.#node.network.core.seal({
      session: this.#session.session,
      nowMs: 0,
      mayStep: false,
      header,
      ...(body === undefined ? {} : { body }),
    });
    const session_id = encodeBase64Url(this.#session.sessionId);
    return { session_id, data: encodeBase64Url(frame) };
  }

  /** Sends a frame of the friend's session. */
  async sendFrame(header: object, body?: Uint8Array): Promise<void> {
    const frame = await this.frame(JSON.stringify(header), body);
    assertEquals(await this.#node.exchange("/p2p/message", frame), { received: true });
  }

  /** Delivers again if the directory has meanwhile signed that its key is another one: the node then goes by that. */
  async #deliver(peer: FakeParty): Promise<FakePair> {
    const { network } = this.#node;
    for (;;) {
      const pair = await this.issue(peer, await network.record(peer, NO_EDIT));
      const changed = network.changedRecords;
      const push = await this.#envelope(pair.statement, { statement: NO_EDIT, directory: NO_EDIT });
      const answer = await this.#node.exchange("/tokens/receive", push);
      if (answer.received === true) return pair;
      if (network.changedRecords === changed) {
        throw new Error(`The node refused a pair: ${answer.code}`);
      }
    }
  }

  async #start(peer: FakeParty, pair: FakePair, edit: Edit): Promise<StartedHandshake> {
    const { network, record } = this.#node;
    const { handshake, noise } = await network.core.startHandshake({
      noiseKey: peer.noiseKey,
      peerNoiseKey: record.noiseKey,
      suite: SUITE,
      half: pair.half,
      record: (await network.record(peer, edit)).slice(0, MAX_RECORD_BYTES),
    });
    const pair_id = encodeBase64Url(pair.pairId);
    return { handshake, message: { v: 3, suite: SUITE, pair_id, noise: encodeBase64Url(noise) } };
  }

  #note(id: string): void {
    this.acknowledged.add(id);
    this.onAcknowledged(id);
  }

  async #connect(): Promise<void> {
    const { network } = this.#node;
    const pair = await this.#deliver(this.friend);
    const { handshake, message } = await this.#start(this.friend, pair, NO_EDIT);
    const answer = await this.#node.exchange("/p2p/handshake", message);
    await network.core.readAnswer({ handshake, noise: decodeBase64Url(answer.noise)! });
    this.#session = await network.core.completeHandshake({ handshake, nowMs: 0 });
    network.onMessage = (url, data) => void this.#takeFrame(url, data);
    await this.sendFrame({ type: "core.hello" });
  }

  /** The friend acknowledges what it is sent, so that no request waits for it. */
  async #takeFrame(url: string, data: string): Promise<void> {
    if (url !== this.friend.url) return;
    const { session } = this.#session;
    const frame = decodeBase64Url(data)!;
    const opened = await this.#node.network.core.open({ session, nowMs: 0, frame });
    const { id, type, ids } = "header" in opened ? JSON.parse(opened.header) : {};
    if (type === "core.ack") { for (const taken of ids) this.#note(taken); }
    if (id === undefined) return;
    this.beforeAcknowledging(type);
    await this.sendFrame({ type: "core.ack", ids: [id] });
  }
}
