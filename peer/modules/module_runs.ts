/**
 * The modules that run: starting one, replacing it by another version, ending it.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { CryptoError, type KeyRef, type MethodBlock } from "../../crypto/interface.ts";
import type { AskFactors, BlockPermutation, OpenRedModule, SignIn } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { type Manifest, permissionsOf } from "../../protocol/module_manifest.ts";
import type { PermissionNames } from "../peers/permission_names.ts";
import type { MethodBook } from "../own/method_book.ts";
import { within } from "../timing/within.ts";
import type { Asking } from "./asking.ts";
import type { RunningModules } from "./frame_gate.ts";
import type { Grants } from "./grants.ts";
import { ModuleAsks } from "./module_asks.ts";
import { type ContextParts, createContext } from "./module_context.ts";
import { optionValues } from "./module_options.ts";
import { ModuleSends } from "./module_sends.ts";
import { ModuleTells } from "./module_tells.ts";
import type { ModuleState } from "./module_states.ts";
import { register, type Registrations } from "./registrations.ts";
import { type ModuleKind, RunningModule } from "./running_module.ts";

/** How long a module may take to start, and to stop. */
const START_MS = 10_000;
const STOP_MS = 10_000;
/** How long calls under way may go on in a module that is stopped or replaced. */
const DRAIN_MS = 30_000;

export interface RunParts extends ContextParts {
  readonly permissionNames: PermissionNames;
  readonly methods: MethodBook;
  readonly asking: Asking;
  /** What the keys of modules come from. */
  readonly storageKey: KeyRef;
  /** Called when the services that the node offers may have changed. */
  readonly servicesChanged: () => void;
}

export interface ModuleStart {
  readonly module: OpenRedModule;
  readonly manifest: Manifest;
  readonly state: ModuleState;
  readonly grants: Grants;
  /** What has to be done once it has started, and before it is told or asked anything. */
  readonly first?: () => Promise<void>;
  /** Tells it what became true of peers while it did not run; `null` once nothing is left of that. */
  readonly tellMissed?: () => Promise<void> | null;
}

/** A module that runs, with what ends it. */
export interface Run {
  readonly running: RunningModule;
  readonly sends: ModuleSends;
  readonly asks: ModuleAsks;
  readonly tells: ModuleTells;
  readonly grants: Grants;
  readonly key: KeyRef;
}

/** How much waits in a module for a peer. */
export function waitingIn({ running, sends }: Run, peer: NodeId): number {
  return running.module.waiting?.(peer) ?? sends.waiting(peer);
}

/** All modules of a node that run. */
export class ModuleRuns implements RunningModules {
  readonly #parts: RunParts;
  /** In the order in which they started. */
  readonly #runs = new Map<string, Run>();

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  get all(): Iterable<RunningModule> {
    return [...this.#runs.values()].map(({ running }) => running);
  }

  get(name: string): RunningModule | undefined {
    return this.#runs.get(name)?.running;
  }

  /** How browsers sign in; `null` while no module runs that says so. */
  signIn(): SignIn | null {
    return this.#first(({ signIn }) => signIn);
  }

  /** How peers are asked for factors; `null` likewise. */
  askFactors(): AskFactors | null {
    return this.#first(({ askFactors }) => askFactors);
  }

  #first<T>(of: (registered: Registrations) => T | null): T | null {
    for (const { running } of this.#runs.values()) {
      const found = of(running.registered);
      if (found !== null) return found;
    }
    return null;
  }

  run(name: string): Run | undefined {
    return this.#runs.get(name);
  }

  runs(): Run[] {
    return [...this.#runs.values()];
  }

  /**
   * Starts a module. It takes the place of another version of its name: calls under way there go on for a while.
   * @throws {OpenRedError} `bad_request` where it does not register what its manifest declares; `overloaded` where it does not start in time; what it throws.
   */
  async start({ module, manifest, state, grants, first, tellMissed }: ModuleStart): Promise<void> {
    const { crypto, clock, storageKey, permissionNames, events } = this.#parts;
    const { name } = manifest;
    const { kind, salt } = state;
    const options = optionValues(manifest, state.options);
    const registered = register(module, manifest);
    const key = await crypto.deriveModuleKey({ storage: storageKey, module: name, salt });
    const held = { ...this.#outgoing(manifest, kind), key, grants };
    const context = createContext(this.#parts, { kind, manifest, options, ...held });
    const running = new RunningModule({ kind, manifest, module, registered });
    const run: Run = { running, ...held };
    const former = this.#runs.get(name);
    try {
      const late = new OpenRedError("overloaded", "It did not start in time");
      await within(clock, { ms: START_MS, late }, module.start?.(context) ?? Promise.resolve());
      await first?.();
      await this.#addMethods(run);
      // From the last look on, it runs in the same turn of the event loop: nothing falls between.
      for (let told = tellMissed?.(); told != null; told = tellMissed?.()) await told;
    } catch (error) {
      await this.#release(run, former);
      throw error;
    }
    permissionNames.declare(name, [...permissionsOf(manifest)]);
    this.#runs.set(name, run);
    events.audit("module_loaded", { success: true, module: name, version: manifest.version });
    this.#parts.servicesChanged();
    if (former !== undefined) await this.#end(former, run);
  }

  /** What a module can send and ask. */
  #outgoing({ name, frames }: Manifest, kind: ModuleKind): Pick<Run, "sends" | "asks" | "tells"> {
    const types = new Set(frames.filter(({ answers }) => !answers).map(({ type }) => type));
    return {
      sends: new ModuleSends(this.#parts.sender, { name, kind, types }),
      asks: new ModuleAsks(this.#parts.asking, { name, kind, frames }),
      tells: new ModuleTells(this.#parts, { name, kind }),
    };
  }

  /** Ends a module: no call begins any more, those under way go on for a while. */
  async stop(name: string): Promise<void> {
    const run = this.#runs.get(name);
    if (run === undefined) return;
    this.#runs.delete(name);
    this.#parts.servicesChanged();
    await this.#end(run);
    this.#parts.events.audit("module_stopped", { success: true, module: name });
  }

  /** Forgets a module whose code is gone already. */
  async drop(name: string): Promise<void> {
    const run = this.#runs.get(name);
    if (run === undefined) return;
    this.#runs.delete(name);
    this.#parts.servicesChanged();
    await this.#release(run);
  }

  /** Takes a crypto method out of use at once, such as when its grant is taken back. */
  async dropMethod(name: string): Promise<void> {
    await this.#parts.methods.remove(name);
  }

  /** @throws {OpenRedError} `bad_request` for a method that does not undo itself, or fails when it is tried. */
  async #addMethods({ running, grants }: Run): Promise<void> {
    for (const [name, permutation] of running.registered.methods) {
      if (running.kind === "file" && !grants.has(`method:${name}`)) continue;
      try {
        await this.#parts.methods.add({ name, permute: permuteWith(permutation) });
      } catch (cause) {
        if (!(cause instanceof CryptoError)) throw cause;
        const text = `The crypto method ${name} is refused: ${cause.code}`;
        throw new OpenRedError("bad_request", text, { cause });
      }
    }
  }

  /** @param next The run that takes its place. */
  async #end(run: Run, next?: Run): Promise<void> {
    const { clock } = this.#parts;
    const { running } = run;
    const late = new OpenRedError("overloaded", "It did not come to its end in time");
    const stop = async () => await running.module.stop?.();
    running.module.stopping?.();
    await within(clock, { ms: DRAIN_MS, late }, running.settled()).catch(this.#logLate(running));
    await within(clock, { ms: STOP_MS, late }, stop()).catch(this.#logLate(running));
    await this.#release(run, next);
  }

  #logLate({ name }: RunningModule): (error: unknown) => void {
    return (error) =>
      this.#parts.log.log("warn", "module_ended_late", { module: name, text: String(error) });
  }

  /** @param other A run of the same module that goes on, with its methods. */
  async #release({ running, sends, asks, tells, key }: Run, other?: Run): Promise<void> {
    sends.stop();
    asks.stop();
    if (other === undefined) tells.stop();
    for (const name of running.registered.methods.keys()) {
      if (other?.running.registered.methods.has(name) !== true) {
        await this.#parts.methods.remove(name);
      }
    }
    await this.#parts.crypto.release(key);
  }
}

function permuteWith(permutation: BlockPermutation) {
  return async ({ block, key, inverse }: MethodBlock): Promise<Uint8Array> =>
    await (inverse ? permutation.inverse(block, key) : permutation.forward(block, key));
}
