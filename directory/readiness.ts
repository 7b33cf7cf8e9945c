/**
 * Whether a directory can do its work: a small write to the store says it, at most once in ten seconds.
 *
 * @module
 */
import type { Clock } from "../ports/ports.ts";
import { storageReason } from "../ports/storage_problem.ts";
import type { Trouble } from "../protocol/metrics.ts";
import type { DirectoryStore } from "./stores/store.ts";

const AGE_MS = 10_000;
/** A store that takes longer than this answers nobody in time. */
const WRITE_MS = 5_000;
/** The name under which the probe is kept. */
const PROBE = "ready_probe";

interface ReadinessParts {
  readonly clock: Clock;
  readonly store: Pick<DirectoryStore, "getOwn" | "swapOwn">;
}

/** Looks whether the store takes writes. */
export class Readiness {
  readonly #parts: ReadinessParts;
  #askedMs = -Infinity;
  #last: Promise<readonly Trouble[]> = Promise.resolve([]);

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** What was found last, or is found now. Never rejects. */
  troubles(): Promise<readonly Trouble[]> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#askedMs >= AGE_MS) {
      this.#askedMs = nowMs;
      this.#last = this.#look();
    }
    return this.#last;
  }

  async #look(): Promise<readonly Trouble[]> {
    const { clock } = this.#parts;
    const late = Promise.withResolvers<never>();
    const cancel = clock.setTimer(
      WRITE_MS,
      () => late.reject(new Error("a write takes longer than 5 s")),
    );
    try {
      await Promise.race([this.#write(), late.promise]);
      return [];
    } catch (cause) {
      const text = `The store takes no writes: ${storageReason(cause)}`;
      return [{ code: "storage", text }];
    } finally {
      cancel();
    }
  }

  /** Where another process on the same store was faster, its write says as much. */
  async #write(): Promise<void> {
    const { clock, store } = this.#parts;
    await store.swapOwn(PROBE, await store.getOwn(PROBE), String(clock.nowMs()));
  }
}
