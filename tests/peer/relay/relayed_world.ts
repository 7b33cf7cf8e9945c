/**
 * A whole node behind a relay that the test plays frame by frame.
 *
 * @module
 */
import { decodeUtf8, encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { createKeptSettings } from "../../../cli/kept_settings.ts";
import type { NodeConfig } from "../../../peer/config.ts";
import { unverifiedPayload } from "../../../protocol/jws.ts";
import {
  encodeRelayOpen,
  encodeRelayWord,
  type RelayFrame,
} from "../../../protocol/relay_frames.ts";
import { recordPayload, signText, testIdentity } from "../../protocol/signer.ts";
import { LinkEnd, OtherEnd, RELAY, RELAY_URL } from "../../relay/relay_world.ts";
import { FakeHttp } from "../../world/fake_http.ts";
import { LoopbackNode } from "../../world/loopback_node.ts";
import { until } from "../../world/until.ts";

export const OTHER_RELAY = testIdentity(101);
const NONCE = new Uint8Array(16).fill(9);

export interface Opened {
  readonly kind?: string;
  readonly method?: string;
  readonly target?: string;
  readonly length?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly source?: string;
}

/** What a relay says of itself. */
export function helloOf(identity = RELAY, url = RELAY_URL): string {
  const payload = recordPayload(identity, { api_url: url, services: ["relay"] });
  const relay = signText(identity, payload, { typ: "openred-record+jwt" });
  return JSON.stringify({ v: 3, nonce: encodeBase64Url(NONCE), relay });
}

/** The relay's end of one link. */
export class RelayEnd extends LinkEnd {
  say(kind: "hello" | "ready" | "bye", text: string): void {
    this.socket.say(encodeRelayWord(kind, encodeUtf8(text)));
  }

  open(stream: number, head: Opened): void {
    const whole = {
      kind: "exchange",
      method: "GET",
      length: 0,
      headers: {},
      source: encodeBase64Url(new Uint8Array(16)),
      ...head,
    };
    this.socket.say(encodeRelayOpen(stream, encodeUtf8(JSON.stringify(whole))));
  }

  /** The payload of the proof that came. */
  async proof() {
    let text = "";
    await until(() => {
      for (const frame of this.news()) {
        if (frame.kind === "proof") text = decodeUtf8(frame.body);
      }
      return text !== "";
    }, "the node's proof");
    return unverifiedPayload(text) as Record<"iss" | "aud" | "url" | "nonce" | "instance", string>;
  }

  /** Waits for the answer on a stream: its head and bytes, or the code of its close. */
  async answer(stream: number) {
    const frames: RelayFrame[] = [];
    const isOf = (frame: RelayFrame) => "stream" in frame && frame.stream === stream;
    const isOver = () =>
      frames.some((frame) =>
        frame.kind === "close" || (frame.kind === "data" && frame.isLast) ||
        (frame.kind === "open" && JSON.parse(decodeUtf8(frame.head)).length === 0)
      );
    await until(() => {
      frames.push(...this.news().filter(isOf));
      return isOver();
    }, `an answer on stream ${stream}`);
    const head = frames.find((frame) => frame.kind === "open");
    const close = frames.find((frame) => frame.kind === "close");
    const text = frames.map((f) => f.kind === "data" ? decodeUtf8(f.data) : "").join("");
    return {
      head: head === undefined ? null : JSON.parse(decodeUtf8(head.head)),
      text,
      code: close?.code ?? null,
    };
  }
}

export class RelayedNode extends LoopbackNode {
  readonly links: RelayEnd[] = [];
  /** What `openred.toml` has. */
  settings: string | null = null;

  constructor() {
    super();
    const http = new FakeHttp();
    http.openedChannel = () => {
      const socket = new OtherEnd();
      this.links.push(new RelayEnd(socket));
      return socket;
    };
    this.ports = {
      http,
      resolver: { resolve: () => Promise.resolve(["93.184.216.34"]) },
      keptSettings: createKeptSettings({
        read: () => Promise.resolve(this.settings),
        write: (_, text) => Promise.resolve(void (this.settings = text)),
      }, { data: this.data, given: {}, env: () => undefined }),
    };
  }

  /** Starts a node; resolves when it has called the relay. */
  async behind(config: Partial<NodeConfig> = {}): Promise<RelayEnd> {
    const relay = { url: RELAY_URL, id: null };
    void this.start({ relay, allowPrivate: false, ...config }).catch(() => {});
    return await this.nextLink(1);
  }

  async nextLink(count: number): Promise<RelayEnd> {
    await until(() => this.links.length >= count, "the node to call its relay");
    return this.links[count - 1]!;
  }

  /** A link that is ready. */
  async linked(config: Partial<NodeConfig> = {}): Promise<RelayEnd> {
    const end = await this.behind(config);
    await this.ready(end);
    return end;
  }

  /** Has a link be ready. */
  async ready(end: RelayEnd): Promise<void> {
    end.say("hello", helloOf());
    await end.proof();
    end.say("ready", JSON.stringify({ url: `${RELAY_URL}/r/${this.id}` }));
    await until(async () => (await this.status()).relay?.state === "linked", "the link");
  }
}
