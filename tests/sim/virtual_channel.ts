/**
 * WebSockets on the virtual network: in order, late, and half open for a while when a link is cut.
 *
 * @module
 */
import type { Channel, ChannelListener, ChannelUpgrader } from "../../ports/ports.ts";
import { concatBytes } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { Exchange } from "./exchange.ts";
import type { VirtualNetwork } from "./virtual_network.ts";
import type { VirtualProcess } from "./virtual_process.ts";

/** How long an end may take to notice that the other one is gone. */
const MAX_NOTICE_MS = 30_000;
const ABNORMAL_CLOSE = 1006;

class ChannelEnd implements Channel {
  readonly #link: ChannelLink;
  readonly process: VirtualProcess;
  /** Whether it hears of parts, not of whole messages. */
  readsParts = false;
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];
  readonly #backlog: ((listener: ChannelListener) => void)[] = [];
  #listener: ChannelListener | null = null;
  isClosed = false;
  bufferedBytes = 0;
  readonly #flushed: (() => void)[] = [];
  /** When the last message of this end arrives. */
  lastArrivalMs = 0;

  constructor(link: ChannelLink, process: VirtualProcess) {
    this.#link = link;
    this.process = process;
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener;
    for (const tell of this.#backlog.splice(0)) tell(listener);
  }

  send(data: Uint8Array<ArrayBuffer>, isLast = true): void {
    if (!this.isClosed && this.process.isAlive) this.#link.carry(this, data.slice(), isLast);
  }

  flushed(): Promise<void> {
    if (this.isClosed || this.bufferedBytes === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#flushed.push(resolve));
  }

  /** What was sent has left. */
  left(bytes: number): void {
    this.bufferedBytes = Math.max(0, this.bufferedBytes - bytes);
    if (this.bufferedBytes === 0) { for (const tell of this.#flushed.splice(0)) tell(); }
  }

  close(code: number): void {
    if (!this.isClosed && this.process.isAlive) this.#link.close(this, code);
  }

  /** Puts parts together, unless this end reads them as they come. */
  arrive(data: Uint8Array<ArrayBuffer>, isLast: boolean): void {
    if (this.readsParts) return this.tell((listener) => listener.message(data, isLast));
    this.#parts.push(data);
    if (!isLast) return;
    const whole = concatBytes(...this.#parts.splice(0));
    this.tell((listener) => listener.message(whole, true));
  }

  tell(what: (listener: ChannelListener) => void): void {
    if (!this.process.isAlive) return;
    if (this.#listener === null) this.#backlog.push(what);
    else what(this.#listener);
  }

  end(code: number): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.left(this.bufferedBytes);
    this.tell((listener) => listener.close(code));
  }
}

/** Both ends of one channel. */
export class ChannelLink {
  readonly #network: VirtualNetwork;
  readonly client: ChannelEnd;
  readonly server: ChannelEnd;
  #isBroken = false;

  constructor(network: VirtualNetwork, client: VirtualProcess, server: VirtualProcess) {
    this.#network = network;
    this.client = new ChannelEnd(this, client);
    this.server = new ChannelEnd(this, server);
    client.onDeath(() => this.break());
    server.onDeath(() => this.break());
  }

  carry(from: ChannelEnd, data: Uint8Array<ArrayBuffer>, isLast: boolean): void {
    const to = this.#otherEnd(from);
    const names = { from: from.process.host.name, to: to.process.host.name };
    for (const tap of this.#network.taps) tap.message?.({ ...names, data });
    this.#network.trace.add(names.from, `⇒ ${names.to} ${data.length} bytes`);
    from.bufferedBytes += data.length;
    this.#inOrder(from, () => {
      from.left(data.length);
      for (const one of this.#network.tamperMessage?.({ ...names, data }) ?? [data]) {
        if (!to.isClosed) to.arrive(one, isLast);
      }
    });
  }

  close(from: ChannelEnd, code: number): void {
    const to = this.#otherEnd(from);
    from.isClosed = true;
    this.#network.trace.add(from.process.host.name, `⇒ ${to.process.host.name} close ${code}`);
    this.#inOrder(from, () => to.end(code));
    const tellCloser = () => from.tell((listener) => listener.close(code));
    this.#network.loop.schedule(this.#network.drawLatencyMs(), tellCloser);
  }

  /** Each end that is left notices in its own time. */
  break(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    for (const end of [this.client, this.server]) {
      const noticeMs = this.#network.random.between(0, MAX_NOTICE_MS);
      this.#network.loop.schedule(noticeMs, () => end.end(ABNORMAL_CLOSE));
    }
  }

  #inOrder(from: ChannelEnd, arrive: () => void): void {
    const { loop } = this.#network;
    const to = this.#otherEnd(from);
    const atMs = Math.max(from.lastArrivalMs, loop.nowMs + this.#network.drawLatencyMs());
    from.lastArrivalMs = atMs;
    loop.schedule(atMs - loop.nowMs, () => {
      if (this.#network.isCut(from.process.host.name, to.process.host.name)) this.break();
      if (!this.#isBroken) arrive();
    });
  }

  #otherEnd(end: ChannelEnd): ChannelEnd {
    return end === this.client ? this.server : this.client;
  }
}

/** The client's side: asks for the upgrade, then waits for its answer. */
export function openVirtualChannel(
  network: VirtualNetwork,
  process: VirtualProcess,
  options: { url: string; timeoutMs: number; signal?: AbortSignal },
): Promise<Channel> {
  const key = btoa(String.fromCharCode(...network.random.bytes(16)));
  return new Promise((resolve, reject) => {
    const giveUp = (error: unknown) => {
      network.upgraded.get(key)?.break();
      network.upgraded.delete(key);
      reject(error);
    };
    const exchange = new Exchange(network, process, {
      ...options,
      url: options.url.replace(/^ws/, "http"),
      method: "GET",
      headers: {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": key,
      },
      maxAnswerBytes: 0x10000,
      ended: (answer) => {
        const link = network.upgraded.get(key);
        if (answer.status !== 101 || link === undefined) {
          return giveUp(new OpenRedError("unreachable", `No upgrade: ${answer.status}`));
        }
        network.upgraded.delete(key);
        resolve(link.client);
      },
      failed: giveUp,
    });
    network.upgrading.set(key, process);
    exchange.start();
  });
}

/** The server's side. */
export function upgraderFor(network: VirtualNetwork, process: VirtualProcess): ChannelUpgrader {
  return {
    upgrade(request, options) {
      const key = request.headers.get("sec-websocket-key") ?? "";
      const client = network.upgrading.get(key);
      if (client === undefined) throw new TypeError("Cannot upgrade this request");
      network.upgrading.delete(key);
      const link = new ChannelLink(network, client, process);
      link.server.readsParts = options?.partBytes !== undefined;
      network.upgraded.set(key, link);
      return { response: new Response(null, { status: 101 }), channel: link.server };
    },
  };
}
