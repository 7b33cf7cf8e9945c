/**
 * The lives of modules from files: what each is at, why it ended, and when it is started again.
 *
 * @module
 */
import type { Clock, Log } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { Manifest } from "../../protocol/module_manifest.ts";
import type { NodeEvents } from "../events/events.ts";
import type { ModuleStates } from "./module_states.ts";
import { type FileEnd, firstLine, type OpenedFile } from "./opened_file.ts";
import { RestartPolicy } from "./restart_policy.ts";

/** What a module from a file is at. */
export interface FileCondition {
  readonly state: "running" | "stopped" | "failed" | "needs_grant";
  readonly why?: string;
}

export interface Life {
  readonly policy: RestartPolicy;
  opened: OpenedFile | null;
  manifest: Manifest | null;
  condition: FileCondition;
  restarts: number;
  cancelRestart: () => void;
  /** The end of what it was told of peers last: one after the other. */
  told: Promise<void>;
}

export interface LifeParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly events: NodeEvents;
  readonly states: ModuleStates;
  /** Runs a change of modules after those that were asked for before. */
  readonly inTurn: (work: () => Promise<void>) => void;
}

/** Why a module ended that did nothing wrong. */
const SHARED = "memory_shared";
/** Between the returns of modules that ended because another one filled the memory. */
const RETURN_MS = 2_000;

/** The lives of one node's modules. */
export class FileLives {
  readonly #parts: LifeParts;
  readonly #start: (name: string) => Promise<void>;
  readonly #lives = new Map<string, Life>();

  /** @param start Starts a module again; never rejects. */
  constructor(parts: LifeParts, start: (name: string) => Promise<void>) {
    this.#parts = parts;
    this.#start = start;
  }

  /** Those that are known since the node started. */
  names(): string[] {
    return [...this.#lives.keys()];
  }

  find(name: string): Life | undefined {
    return this.#lives.get(name);
  }

  /** The life of a module, begun where there is none. */
  of(name: string): Life {
    const held = this.#lives.get(name);
    if (held !== undefined) return held;
    const life: Life = {
      policy: new RestartPolicy(),
      opened: null,
      manifest: null,
      condition: { state: "stopped" },
      restarts: 0,
      cancelRestart: () => {},
      told: Promise.resolve(),
    };
    this.#lives.set(name, life);
    return life;
  }

  forget(name: string): void {
    this.#lives.delete(name);
    this.settle(name);
  }

  /** The owner has nothing to be warned of any more. */
  settle(name: string): void {
    this.#parts.events.settle(topicOf(name));
  }

  /** It ended without being told to: it comes back after a pause, unless it failed too often. */
  failed(name: string, { why, detail }: FileEnd): void {
    const { clock } = this.#parts;
    const life = this.of(name);
    const pauseMs = why === SHARED ? this.#returnMs() : life.policy.failed(clock.monotonicMs());
    const text = detail === "" ? why : `${why}: ${firstLine(detail)}`;
    const rest = pauseMs === null
      ? "; it failed five times within ten minutes and stays stopped"
      : "";
    life.condition = { state: "failed", why: `${text}${rest}` };
    this.#tellFailed(name, { why, detail }, `failed (${why})${rest}`);
    if (pauseMs !== null) this.#restartLater(name, { life, pauseMs });
  }

  /** It does not run, and the owner alone can change that. */
  stopped(name: string, { why, detail }: FileEnd): void {
    this.of(name).condition = { state: "failed", why: `${why}: ${detail}` };
    this.#tellFailed(name, { why, detail }, `does not run: ${detail}`);
  }

  /** It waits for the owner's agreement. @returns What says so. */
  needsGrant(name: string, why: string): OpenRedError {
    this.of(name).condition = { state: "needs_grant", why };
    this.#parts.events.warn(topicOf(name), `The module ${name} waits for your agreement: ${why}`);
    return new OpenRedError("forbidden", `${why}: agree to it first`);
  }

  /** @param warning What the owner reads after the module's name. */
  #tellFailed(name: string, { why, detail }: FileEnd, warning: string): void {
    const { events, log } = this.#parts;
    log.log("warn", "module_failed", { module: name, why, detail });
    events.audit("module_failed", { success: false, module: name, why });
    events.warn(topicOf(name), `The module ${name} ${warning}`);
  }

  #restartLater(name: string, { life, pauseMs }: { life: Life; pauseMs: number }): void {
    const { clock, inTurn, states } = this.#parts;
    life.cancelRestart = clock.setTimer(pauseMs, () => {
      inTurn(async () => {
        // The owner may have come first.
        const isWanted = states.get(name)?.enabled === true;
        if (!isWanted || this.#lives.get(name) !== life || life.opened !== null) return;
        life.restarts += 1;
        await this.#start(name);
      });
    });
  }

  /** Whoever ended for another module's sake returns alone, so that it shows who fills the memory. */
  #returnMs(): number {
    const waiting = [...this.#lives.values()].filter(({ condition }) =>
      condition.why?.startsWith(SHARED) === true
    );
    return RETURN_MS * (waiting.length + 1);
  }
}

function topicOf(name: string): string {
  return `module ${name}`;
}
