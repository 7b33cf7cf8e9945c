/**
 * The modules of a node: which there are, which run, and what each is told.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { KeyRef } from "../../crypto/interface.ts";
import type { OpenRedModule } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { type Manifest, manifestSchema } from "../../protocol/module_manifest.ts";
import type { ModuleView } from "../../protocol/module_api.ts";
import { parseInput } from "../../protocol/schemas.ts";
import type { PermissionNames } from "../peers/permission_names.ts";
import type { Background } from "../timing/background.ts";
import { within } from "../timing/within.ts";
import type { RunningModules } from "./frame_gate.ts";
import type { FrameIds } from "./frame_ids.ts";
import { type ContextParts, createContext } from "./module_context.ts";
import { ModuleSends } from "./module_sends.ts";
import type { ModuleState, ModuleStates } from "./module_states.ts";
import { register } from "./registrations.ts";
import { RunningModule } from "./running_module.ts";

/** How long a module may take to start, and to stop. */
const START_MS = 10_000;
const STOP_MS = 10_000;
/** How long calls under way may go on in a module that is stopped. */
const DRAIN_MS = 30_000;

/** A module that is part of the program. Its code is loaded when it starts. */
export interface BuiltInModule {
  readonly name: string;
  load(): Promise<OpenRedModule>;
}

export interface HostParts extends ContextParts {
  readonly background: Background;
  readonly states: ModuleStates;
  readonly frameIds: FrameIds;
  readonly permissionNames: PermissionNames;
  /** What the keys of modules come from. */
  readonly storageKey: KeyRef;
  /** Called when the services that the node offers have changed. */
  readonly servicesChanged: () => void;
}

/** A running module, with what ends it. */
interface Started {
  readonly running: RunningModule;
  readonly sends: ModuleSends;
  readonly key: KeyRef;
}

type Condition = { readonly state: ModuleView["state"]; readonly why?: string };

/** The host of one node. */
export class ModuleHost implements RunningModules {
  readonly #parts: HostParts;
  readonly #builtIns: readonly BuiltInModule[];
  /** In the order in which they started. */
  readonly #started = new Map<string, Started>();
  readonly #conditions = new Map<string, Condition>();
  /** The end of the last change that was asked for: one at a time. */
  #changed: Promise<unknown> = Promise.resolve();

  /** @throws {RangeError} For two modules of one name, or one with the name of the protocol's own frames. */
  constructor(parts: HostParts, builtIns: readonly BuiltInModule[]) {
    const names = builtIns.map(({ name }) => name);
    if (new Set(["core", ...names]).size <= names.length) {
      throw new RangeError("Expected modules of different names, and none called core");
    }
    this.#parts = parts;
    this.#builtIns = builtIns;
  }

  /** Starts every module that is to run; one that fails keeps no other from starting. */
  start(): Promise<void> {
    return this.#change(() => this.#startAll());
  }

  async #startAll(): Promise<void> {
    for (const builtIn of this.#builtIns) {
      const state = this.#parts.states.get(builtIn.name);
      if (state?.enabled === false) this.#conditions.set(builtIn.name, { state: "stopped" });
      else await this.#tryStart(builtIn);
    }
  }

  /** Stops every module, the last one first. */
  stop(): Promise<void> {
    return this.#change(async () => {
      for (const name of [...this.#started.keys()].reverse()) await this.#stop(name);
    });
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changed.then(work);
    this.#changed = done.catch(() => undefined);
    return done;
  }

  get all(): Iterable<RunningModule> {
    return [...this.#started.values()].map(({ running }) => running);
  }

  get(name: string): RunningModule | undefined {
    return this.#started.get(name)?.running;
  }

  /** What the running modules serve. */
  services(): readonly string[] {
    return [...new Set([...this.all].flatMap(({ manifest }) => manifest.services))];
  }

  /** By name, as `module list` shows them. */
  views(): ModuleView[] {
    return this.#parts.states.all().map((state) => this.#view(state));
  }

  /** @throws {OpenRedError} `not_found`. */
  view(name: string): ModuleView {
    return this.#view(this.#state(name));
  }

  /**
   * Has a module run, now and at every start.
   * @throws {OpenRedError} `not_found`, `overloaded`; what the module failed with.
   */
  enable(name: string): Promise<ModuleView> {
    return this.#change(async () => {
      const state = this.#state(name);
      await this.#parts.states.put({ ...state, enabled: true });
      if (!this.#started.has(name)) await this.#startBuiltIn(this.#builtIn(name));
      return this.view(name);
    });
  }

  /** Stops a module, now and at every start. What it keeps stays. @throws {OpenRedError} As {@linkcode enable}. */
  disable(name: string): Promise<ModuleView> {
    return this.#change(async () => {
      const state = this.#state(name);
      await this.#parts.states.put({ ...state, enabled: false });
      await this.#stop(name);
      this.#conditions.set(name, { state: "stopped" });
      return this.view(name);
    });
  }

  /** Tells the modules that a session with a peer counts from now on. */
  confirmed(peer: NodeId): void {
    this.#tell("sessionConfirmed", (module) => module.sessionConfirmed?.(peer));
  }

  /** Inside a transaction: whatever modules keep of an id goes to the one that followed it. */
  writeMove(old: NodeId, next: NodeId): void {
    for (const { running, sends } of this.#started.values()) {
      running.module.peerMoved?.(old, next);
      sends.cancel(old);
    }
    this.#parts.frameIds.writeForget(old);
  }

  /** Inside a transaction: whatever waits for a peer goes. */
  writeForget(peer: NodeId): void {
    for (const { running, sends } of this.#started.values()) {
      running.module.peerForgotten?.(peer);
      sends.cancel(peer);
    }
  }

  /** How much waits here for a peer. */
  waiting(peer: NodeId): number {
    return [...this.#started.values()].reduce(
      (sum, { running, sends }) => sum + (running.module.waiting?.(peer) ?? sends.waiting(peer)),
      0,
    );
  }

  #tell(hook: string, call: (module: OpenRedModule) => void): void {
    for (const { running } of this.#started.values()) {
      this.#parts.background.run(
        `${running.name}_${hook}`,
        Promise.resolve(running.module).then(call),
      );
    }
  }

  #state(name: string): ModuleState {
    const state = this.#parts.states.get(name);
    if (state === null) throw new OpenRedError("not_found", "There is no module of this name");
    return state;
  }

  #builtIn(name: string): BuiltInModule {
    const builtIn = this.#builtIns.find((other) => other.name === name);
    if (builtIn === undefined) {
      throw new OpenRedError("not_found", "There is no module of this name");
    }
    return builtIn;
  }

  #view({ name, version, kind, sha256, grants }: ModuleState): ModuleView {
    const { state, why } = this.#conditions.get(name) ?? { state: "stopped" };
    return {
      name,
      version,
      kind,
      state,
      ...(why === undefined ? {} : { why }),
      ...(sha256 === null ? {} : { sha256 }),
      grants,
    };
  }

  async #tryStart(builtIn: BuiltInModule): Promise<void> {
    const { log, events } = this.#parts;
    try {
      await this.#startBuiltIn(builtIn);
    } catch (error) {
      const why = error instanceof OpenRedError ? error.message : "It failed to start";
      const text = error instanceof Error ? error.stack ?? error.message : String(error);
      log.log("error", "module_failed", { module: builtIn.name, text });
      events.audit("module_failed", { success: false, module: builtIn.name, why });
      events.warn(`module ${builtIn.name}`, `The module ${builtIn.name} does not run: ${why}`);
      this.#conditions.set(builtIn.name, { state: "failed", why });
    }
  }

  async #startBuiltIn(builtIn: BuiltInModule): Promise<void> {
    const module = await builtIn.load();
    const manifest = parseInput(manifestSchema, module.manifest);
    if (manifest.name !== builtIn.name) throw new RangeError("A module has another name");
    const state = await this.#parts.states.builtIn(manifest.name, manifest.version);
    await this.#start(module, { manifest, state });
  }

  async #start(
    module: OpenRedModule,
    { manifest, state }: { manifest: Manifest; state: ModuleState },
  ): Promise<void> {
    const { crypto, clock, storageKey, permissionNames, events } = this.#parts;
    const { name } = manifest;
    const { kind, salt } = state;
    const registered = register(module, manifest);
    const key = await crypto.deriveModuleKey({ storage: storageKey, module: name, salt });
    const types = new Set(manifest.frames.map((frame) => frame.type));
    const sends = new ModuleSends(this.#parts.sender, { name, kind, types });
    const context = createContext(this.#parts, {
      kind,
      manifest,
      options: state.options,
      sends,
      key,
    });
    const running = new RunningModule({ kind, manifest, module, registered });
    try {
      const late = new OpenRedError("overloaded", `The module ${name} did not start in time`);
      await within(clock, { ms: START_MS, late }, module.start?.(context) ?? Promise.resolve());
    } catch (error) {
      sends.stop();
      await crypto.release(key);
      throw error;
    }
    permissionNames.declare(name, manifest.permissions);
    this.#started.set(name, { running, sends, key });
    this.#conditions.set(name, { state: "running" });
    events.settle(`module ${name}`);
    events.audit("module_loaded", { success: true, module: name });
    this.#parts.servicesChanged();
  }

  /** No call begins any more; those under way go on for a while. */
  async #stop(name: string): Promise<void> {
    const started = this.#started.get(name);
    if (started === undefined) return;
    const { crypto, clock, events, log } = this.#parts;
    const { running, sends, key } = started;
    this.#started.delete(name);
    const late = (what: string) => new OpenRedError("overloaded", `The module ${name} ${what}`);
    const logLate = (error: unknown) => {
      log.log("warn", "module_stopped_late", { module: name, text: String(error) });
    };
    await within(clock, { ms: DRAIN_MS, late: late("has calls under way") }, running.settled())
      .catch(logLate);
    const stopping = Promise.resolve(running.module.stop?.());
    await within(clock, { ms: STOP_MS, late: late("did not stop in time") }, stopping)
      .catch(logLate);
    sends.stop();
    await crypto.release(key);
    events.audit("module_stopped", { success: true, module: name });
    this.#parts.servicesChanged();
  }
}
