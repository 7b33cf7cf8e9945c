/**
 * Somebody who has recorded what crossed the wire and sends it again.
 *
 * @module
 */
import { HANDSHAKE_PATH, MESSAGE_PATH } from "../../protocol/peer_api.ts";
import { bootProcess, createHost } from "./machine.ts";
import type { SeededRandom } from "../world/seeded_random.ts";
import type { VirtualNetwork } from "./virtual_network.ts";
import type { VirtualProcess } from "./virtual_process.ts";
import type { WireCall } from "./wire.ts";

/** The name of its host. */
export const REPLAYER = "mallory";
const ADDRESS = "8.9.0.1";

export class Replayer {
  readonly #network: VirtualNetwork;
  readonly #process: VirtualProcess;
  readonly #random: SeededRandom;
  readonly #calls: WireCall[] = [];

  constructor(network: VirtualNetwork, random: SeededRandom) {
    this.#network = network;
    const host = createHost(network, {
      name: REPLAYER,
      origin: `http://${ADDRESS}:7000`,
      address: ADDRESS,
    });
    this.#process = bootProcess(network.loop, host);
    this.#random = random;
    network.taps.push({ request: (call) => this.#record(call) });
  }

  /** Sends a few recorded requests again, some with one bit flipped. */
  replaySome(): void {
    if (this.#calls.length === 0) return;
    for (let count = 0; count < 5; count++) this.#replay(this.#random.pick(this.#calls));
  }

  /** Sends every message 1 again, as it was. */
  replayHandshakes(): void {
    for (const call of this.#calls) if (call.path === HANDSHAKE_PATH) this.#send(call, call.body);
  }

  #record(call: WireCall): void {
    const isOwn = call.from === this.#process.host;
    if (!isOwn && [HANDSHAKE_PATH, MESSAGE_PATH].includes(call.path)) this.#calls.push(call);
  }

  #replay(call: WireCall): void {
    const body = call.body.slice();
    if (this.#random.chance(0.3)) {
      const index = this.#random.between(0, body.length - 1);
      body[index] = body[index]! ^ (1 << this.#random.between(0, 7));
    }
    this.#send(call, body);
  }

  #send(call: WireCall, body: Uint8Array<ArrayBuffer>): void {
    this.#network.clientFor(this.#process).request({
      method: "POST",
      url: call.url,
      headers: { "content-type": "application/json" },
      body,
      timeoutMs: 5_000,
      maxAnswerBytes: 65_536,
    }).catch(() => undefined);
  }
}
