/**
 * Somebody who delivers requests that were held back, as they were, and hears what becomes of them.
 *
 * @module
 */
import { bootProcess } from "./machine.ts";
import type { VirtualProcess } from "./virtual_process.ts";
import type { WireCall } from "./wire.ts";
import type { World } from "./world.ts";

const NAME = "postman";
const ADDRESS = "8.9.0.2";

export class Postman {
  readonly #world: World;
  readonly #process: VirtualProcess;

  constructor(world: World) {
    this.#world = world;
    this.#process = bootProcess(world.loop, world.addHost(NAME, ADDRESS));
    world.monitor.strangers.add(NAME);
  }

  isOwn(call: WireCall): boolean {
    return call.from === this.#process.host;
  }

  /** Sends a request again; tells the status of its answer, if one comes. */
  post(call: WireCall, answered: (status: number) => void): void {
    this.#world.network.clientFor(this.#process).request({
      method: "POST",
      url: call.url,
      headers: call.headers,
      body: call.body,
      timeoutMs: 15_000,
      maxAnswerBytes: 65_536,
    }).then(({ status }) => answered(status), () => undefined);
  }
}
