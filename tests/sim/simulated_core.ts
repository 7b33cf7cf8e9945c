/**
 * The crypto core of a simulated process: in the same thread, with seeded chance.
 *
 * @module
 */
import { argon2id } from "../../crypto/primitives/hashes.ts";
import { LocalCryptoCore } from "../../crypto/core.ts";
import {
  type AcceptedHandshake,
  type CryptoCore,
  METHOD_BLOCK_MS,
  type ModuleMethod,
  type OpenedFrame,
} from "../../crypto/interface.ts";
import { createNobleKem } from "../../crypto/primitives/mlkem_noble.ts";
import type { EventLoop } from "./event_loop.ts";
import { FrameHandshakes } from "./frame_handshakes.ts";
import type { SeededRandom } from "../world/seeded_random.ts";
import type { Trace } from "./trace.ts";
import type { VirtualProcess } from "./virtual_process.ts";
import type { WireTap } from "./wire.ts";

/** Who runs a core, and who hears of the headers it seals and opens. */
interface CoreParts {
  readonly loop: EventLoop;
  readonly process: VirtualProcess;
  readonly random: SeededRandom;
  readonly trace: Trace;
  /** Told of handshakes inside of frames. */
  readonly taps?: readonly WireTap[];
}

/** Makes a core whose calls the loop waits for, and which ends with its process. */
export async function createSimulatedCore(parts: CoreParts): Promise<CryptoCore> {
  const { loop, process, random, trace, taps = [] } = parts;
  const handshakes = new FrameHandshakes(process.host.name, taps);
  const draw = (length: number) => random.bytes(length);
  // Given from outside, stretching is not timed: a log with spans of real time would be another one in each run.
  const creating = LocalCryptoCore.create({
    random: draw,
    kem: createNobleKem(draw),
    stretch: argon2id,
  });
  const core: CryptoCore = await loop.track(creating);
  const say = (what: string) => trace.add(process.host.name, what);
  return new Proxy(core, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (!process.isAlive) return new Promise<never>(() => {});
        if (key === "addMethod") args = [inVirtualTime(loop, args[0] as ModuleMethod)];
        if (key === "seal") {
          const message = args[0] as Parameters<CryptoCore["seal"]>[0];
          say(`  seals ${message.header}`);
          handshakes.sealed(message);
        }
        const work = loop.track(Reflect.apply(member, target, args) as Promise<unknown>);
        const opened = (frame: OpenedFrame) => {
          handshakes.opened(frame);
          return sayOpened(frame, say);
        };
        const accepted = (made: AcceptedHandshake) => {
          handshakes.accepted(made);
          return made;
        };
        if (key === "open") return work.then((frame) => opened(frame as OpenedFrame));
        if (key === "acceptHandshake") {
          return work.then((made) => accepted(made as AcceptedHandshake));
        }
        return work;
      };
    },
  });
}

/** A method may take its time, and that is virtual: a core call that waits for it must not hold the clock. */
function inVirtualTime(loop: EventLoop, method: ModuleMethod): ModuleMethod {
  const { permute, blockMs = METHOD_BLOCK_MS } = method;
  const tooLate = () => loop.sleep(blockMs).then(() => new Uint8Array(0));
  return {
    ...method,
    permute: (block) => loop.untrack(Promise.race([permute(block), tooLate()])),
  };
}

function sayOpened(frame: OpenedFrame, say: (what: string) => void): OpenedFrame {
  say(`  ${frame.outcome} ${"header" in frame ? frame.header : ""}`);
  return frame;
}
