/**
 * A node, and a peer that has a session with it.
 *
 * @module
 */
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import type { BuiltInModule } from "../../../peer/modules/host.ts";
import type { PeerDetail, StatusView } from "../../../protocol/admin_api.ts";
import type { InboxView } from "../../../protocol/messaging_api.ts";
import { NO_EDIT } from "../../property/edits.ts";
import type { FakeNetwork, FakePair } from "../../property/fake_network.ts";
import { FakePeers } from "../../property/fake_peers.ts";
import { NODE_URL, type NodeOptions, RunningNode } from "../../property/running_node.ts";

const SUITE = "ik-x25519-mlkem768";

export interface Answer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any
  readonly content: any;
}

export class FriendWorld implements AsyncDisposable {
  readonly #node: RunningNode;
  readonly #peers: FakePeers;

  private constructor(node: RunningNode, peers: FakePeers) {
    this.#node = node;
    this.#peers = peers;
  }

  static async start(
    modules: readonly BuiltInModule[] = [],
    disk: Pick<NodeOptions, "files" | "openDatabase"> = {},
  ): Promise<FriendWorld> {
    const node = await RunningNode.start({ modules, ...disk });
    return new FriendWorld(node, await FakePeers.create(node));
  }

  /** What is around the node, and goes on when it stops. */
  get network(): FakeNetwork {
    return this.#node.network;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#node[Symbol.asyncDispose]();
  }

  /** Notes a block of the friend and nothing else: its pair stays. */
  noteBlock(): Promise<void> {
    return this.#node.noteBlock(this.#peers.friend.id);
  }

  get friendId(): string {
    return this.#peers.friend.id;
  }

  async #post(
    path: string,
    content: object,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const body = JSON.stringify(content);
    const request = new Request(NODE_URL + path, { method: "POST", headers, body });
    const answer = await this.#node.handle(request);
    return { status: answer.status, content: await answer.json() };
  }

  /** Asks the admin API for a path below `/admin/v1/`, or for one of a module. */
  ask(path: string, input: object): Promise<Answer> {
    const whole = path.startsWith("/m/") ? path : `/admin/v1/${path}`;
    return this.#post(whole, input, this.#node.adminHeaders);
  }

  /** Decides something about the friend. */
  async decide(change: string, more: object = {}): Promise<PeerDetail> {
    return (await this.ask(`peers/${change}`, { peer: this.friendId, ...more })).content;
  }

  status(): Promise<StatusView> {
    return this.#node.status();
  }

  /** Whether each stored message is a contact request. */
  async inbox(): Promise<boolean[]> {
    const url = `${NODE_URL}/m/messaging/inbox?limit=1000`;
    const answer = await this.#node.handle(new Request(url, { headers: this.#node.adminHeaders }));
    const { messages } = await answer.json() as InboxView;
    return messages.map(({ standing }) => standing === "stranger");
  }

  async sendFrame(header: object, body?: Uint8Array): Promise<Answer> {
    return this.#post("/p2p/message", await this.#peers.frame(JSON.stringify(header), body));
  }

  /** The directory issues a pair and pushes the node's half. */
  async introduce(): Promise<{ pair: FakePair; answer: Answer }> {
    const { friend } = this.#peers;
    const pair = await this.#peers.issue(friend, await this.#node.network.record(friend, NO_EDIT));
    return { pair, answer: await this.push(pair.statement) };
  }

  async push(payload: object): Promise<Answer> {
    const { network } = this.#node;
    const { directory } = network;
    const typ = "openred-pair+jwt";
    return await this.#post("/tokens/receive", {
      envelope: await network.sign(directory, { typ, payload, edit: NO_EDIT }),
      directory: await network.record(directory, NO_EDIT),
    });
  }

  /** Sends the friend's message 1 on a pair. */
  async shakeHands(pair: FakePair): Promise<Answer> {
    const { network, record } = this.#node;
    const { friend } = this.#peers;
    const { noise } = await network.core.startHandshake({
      noiseKey: friend.noiseKey,
      peerNoiseKey: record.noiseKey,
      suite: SUITE,
      half: pair.half,
      record: await network.record(friend, NO_EDIT),
    });
    const pair_id = encodeBase64Url(pair.pairId);
    return await this.#post("/p2p/handshake", {
      v: 3,
      suite: SUITE,
      pair_id,
      noise: encodeBase64Url(noise),
    });
  }
}
