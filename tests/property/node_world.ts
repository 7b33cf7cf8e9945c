/**
 * A node with peers, and valid requests to it.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { assertEquals } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { type Edit, editObject, editObjectText, flipText, NO_EDIT } from "./edits.ts";
import { FakePeers } from "./fake_peers.ts";
import { NODE_URL, type NodeOptions, RunningNode } from "./running_node.ts";
import type { ServerWorld } from "./world.ts";

/** What the core seals as a header at most, with room for characters of several bytes. */
const MAX_HEADER_LENGTH = 1_300;
const ADMIN = "/admin/v1";

const MESSAGING = "/m/messaging";
const FILES = "/m/file_sharing";
const MESSAGING_POSTS = [
  "messages",
  "inbox/clear",
  "remove",
  "react",
  "read",
  "receipts",
  "typing",
  "draft",
  "outbox/cancel",
  "groups",
  ...["accept", "decline", "leave", "invite", "remove", "owner", "change", "refound"]
    .map((name) => `groups/${name}`),
];
const MESSAGING_GETS = [
  "inbox",
  "history",
  "search",
  "conversations",
  "outbox",
  "groups",
  "groups/show",
];
const FILES_POSTS = [
  ...["shares", "shares/x/revoke", "offers/x/accept", "offers/x/decline"],
  ...["links", "links/get", "requests", "folders", "drops"],
];
const FILES_GETS = ["offers", "transfers", "links", "requests"];

const AUTHENTICATION = "/m/authentication";
const AUTHENTICATION_POSTS = ["challenge", "challenges/answer", "mute"];
const AUTHENTICATION_GETS = ["challenges", "factors"];
const MONITORING = "/m/monitoring";
const MONITORING_GETS = ["numbers", "checks", "ready"];

const ADMIN_POSTS = [
  "backup",
  "connect",
  "log",
  ...["settings", "passphrase", "succession", "succession/make"],
  ...["", "/piece", "/look", "/make", "/cancel"].map((step) => `restoration${step}`),
  ...["invitations", "invitations/revoke", "requests/accept", "requests/decline"],
  "console/link",
  ...["load", "unload", "reload", "enable", "disable", "grant", "revoke", "set"]
    .map((name) => `modules/${name}`),
  ...["show", "allow", "deny", "reset", "block", "unblock", "forget", "alias"]
    .map((name) => `peers/${name}`),
  ...["add", "remove", "allow", "reset", "delete"].map((name) => `groups/${name}`),
  ...["renew", "revoke"].map((name) => `tokens/${name}`),
];
const ADMIN_GETS = [
  ...[
    "id",
    "places",
    "log",
    "invitations",
    "requests",
    "console/link/state",
    "status",
    "discover",
    "events",
    "peers",
    "groups",
    "tokens",
    "audit",
    "modules",
    "modules/info",
  ],
  ...["head", "export", "verify"].map((name) => `audit/${name}`),
  "modules/info",
];

interface Change {
  readonly name: string;
  readonly inner: Edit;
  readonly outer: Edit;
}

export class NodeWorld implements ServerWorld, AsyncDisposable {
  readonly origin = NODE_URL;
  readonly bodyPaths = [
    "/tokens/receive",
    "/p2p/handshake",
    "/p2p/message",
    ...ADMIN_POSTS.map((name) => `${ADMIN}/${name}`),
    ...MESSAGING_POSTS.map((name) => `${MESSAGING}/${name}`),
    ...FILES_POSTS.map((name) => `${FILES}/${name}`),
    ...AUTHENTICATION_POSTS.map((name) => `${AUTHENTICATION}/${name}`),
  ];
  readonly paths = [
    ...this.bodyPaths,
    "/identity",
    "/p2p/channel",
    ...ADMIN_GETS.map((name) => `${ADMIN}/${name}`),
    ...MESSAGING_GETS.map((name) => `${MESSAGING}/${name}`),
    ...FILES_GETS.map((name) => `${FILES}/${name}`),
    ...AUTHENTICATION_GETS.map((name) => `${AUTHENTICATION}/${name}`),
    ...MONITORING_GETS.map((name) => `${MONITORING}/${name}`),
  ];
  readonly wholeWhenEmpty = [`${ADMIN}/invitations`, `${ADMIN}/restoration/cancel`];
  readonly names = [
    "statement",
    "directory",
    "peer",
    "handshake",
    "noise",
    "header",
    "body",
    "core",
    "frame",
    "connect",
    "send",
  ];
  readonly allowed = ["unreachable"] as const;
  readonly node: RunningNode;
  readonly peers: FakePeers;
  #count = 0;

  private constructor(node: RunningNode, peers: FakePeers) {
    this.node = node;
    this.peers = peers;
  }

  static async start(options: NodeOptions = {}): Promise<NodeWorld> {
    const node = await RunningNode.start(options);
    return new NodeWorld(node, await FakePeers.create(node));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]();
  }

  get secrets(): readonly string[] {
    return this.node.secrets;
  }

  get logged(): readonly string[] {
    return this.node.logged;
  }

  headersFor(path: string): Record<string, string> {
    return path.startsWith(ADMIN) || path.startsWith("/m/") ? this.node.adminHeaders : {};
  }

  handle(request: Request): Promise<Response> {
    return this.node.handle(request);
  }

  async build(change: Change): Promise<Request> {
    const { name, inner, outer } = change;
    const editIf = (which: string) => name === which ? inner : NO_EDIT;
    const only = inner.kind === "none" ? outer : inner;
    switch (name) {
      case "statement":
      case "directory":
      case "peer": {
        const edits = { statement: editIf("statement"), directory: editIf("directory") };
        const push = await this.peers.push({ ...edits, peer: editIf("peer") });
        return this.#post("/tokens/receive", editObject(push, outer));
      }
      case "handshake":
      case "noise": {
        const message = await this.peers.message1(editIf("handshake"));
        const noise = name === "noise" ? flipText(message.noise, inner.at) : message.noise;
        return this.#post("/p2p/handshake", editObject({ ...message, noise }, outer));
      }
      case "connect": {
        const input = { peer: this.peers.friend.id, wait_ms: 0 };
        return this.#post(`${ADMIN}/connect`, editObject(input, only));
      }
      case "send":
        return this.#text("hello", { waitMs: 0, edit: only });
      default:
        return await this.#frame(change);
    }
  }

  /** Has the node send a text to the friend. */
  sendText(text: string, waitMs: number): Promise<Response> {
    return this.handle(this.#text(text, { waitMs, edit: NO_EDIT }));
  }

  async assertWorks(): Promise<void> {
    for (const name of ["statement", "handshake", "header", "connect"]) {
      const answer = await this.handle(await this.build({ name, inner: NO_EDIT, outer: NO_EDIT }));
      assertEquals([name, answer.status], [name, 200]);
      await answer.body?.cancel();
    }
    assertEquals((await (await this.sendText("still there", 30_000)).json()).state, "delivered");
  }

  #text(text: string, options: { waitMs: number; edit: Edit }): Request {
    const input = { peer: this.peers.friend.id, text, wait_ms: options.waitMs };
    return this.#post(`${MESSAGING}/messages`, editObject(input, options.edit));
  }

  async #frame({ name, inner, outer }: Change): Promise<Request> {
    const header = this.#header(name, inner.at);
    const text = editObjectText(header, name === "body" ? NO_EDIT : inner);
    const body = name === "body" ? editObject({ a: 1 }, inner) : encodeUtf8("hello");
    const { session_id, data } = await this.peers.frame(text.slice(0, MAX_HEADER_LENGTH), body);
    const sent = name === "frame" ? flipText(data, inner.at) : data;
    return this.#post("/p2p/message", editObject({ session_id, data: sent }, outer));
  }

  #header(name: string, at: number): object {
    const id = `id-${++this.#count}`;
    if (name !== "core") return { type: "messaging.text", id, sent_at: Date.now() };
    const bytes = () => encodeBase64Url(randomBytes(16));
    const core = [
      { type: "core.hello" },
      { type: "core.tick" },
      { type: "core.ack", ids: [id] },
      { type: "core.record", record: this.node.record.text },
      { type: "core.keep", id, close: [bytes()] },
      { type: "core.sync", pairs: [bytes()] },
      { type: "core.paths", paths: ["http://192.168.1.21:7601"] },
    ];
    return core[at % core.length]!;
  }

  #post(path: string, body: Uint8Array<ArrayBuffer>): Request {
    return new Request(NODE_URL + path, { method: "POST", headers: this.headersFor(path), body });
  }
}
