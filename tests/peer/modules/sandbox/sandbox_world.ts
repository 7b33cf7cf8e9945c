/**
 * The host's end of a module's thread, with the module's end in a test's hands.
 *
 * @module
 */
import { concatBytes, encodeUtf8 } from "../../../../crypto/encoding.ts";
import { MAX_MODULE_MESSAGE_BYTES, type ModuleEnd } from "../../../../ports/module_workers.ts";
import { pack, type Packed, unpack } from "../../../../peer/modules/sandbox/packing.ts";
import { Sandbox } from "../../../../peer/modules/sandbox/sandbox.ts";
import type { ContextWorld } from "../../../world/module_context.ts";
import { VirtualClock } from "../../../world/virtual_clock.ts";

export const HELLO = {
  kind: "hello",
  manifest: { name: "tried" },
  routes: [],
  frames: [],
  calls: [],
  methods: [],
  middleware: 0,
};

/** A message whose text a test writes. */
export function rawMessage(text: string, ...parts: Uint8Array[]): Uint8Array {
  const bytes = encodeUtf8(text);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return concatBytes(length, bytes, ...parts);
}

export class SandboxWorld {
  readonly clock = new VirtualClock(0);
  readonly sandbox: Sandbox;
  /** What the host said, oldest first. */
  readonly heard: Packed[] = [];
  /** Why the host ended it. */
  why: string | null = null;
  #post: (bytes: Uint8Array) => void = () => {};

  constructor() {
    const { promise: ended, resolve } = Promise.withResolvers<ModuleEnd>();
    this.sandbox = new Sandbox(this.clock, {
      start: (onMessage) => {
        this.#post = onMessage;
        return {
          ready: Promise.resolve(true),
          ended,
          post: (bytes) => {
            if (bytes.length > MAX_MODULE_MESSAGE_BYTES) throw new RangeError("Too long");
            this.heard.push(unpack(bytes)!);
          },
          terminate: () => {
            resolve({ why: "stopped", detail: "" });
            return ended;
          },
          usage: () => ({ memoryBytes: 0, silentMs: 0 }),
        };
      },
    });
    this.sandbox.ended.then((end) => this.why = end.why);
  }

  /** One whose module has said what it is, and has the context of a file. */
  static async greeted(world: ContextWorld): Promise<SandboxWorld> {
    const test = new SandboxWorld();
    test.say(pack(HELLO));
    const manifest = { name: "tried", frames: [{ type: "x" }] };
    test.sandbox.use((await world.contextOf(manifest, "file")).context);
    return test;
  }

  /** The module posts bytes, as its thread would have let them pass. */
  say(bytes: Uint8Array): void {
    this.#post(bytes);
  }
}
