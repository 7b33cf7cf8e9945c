/**
 * The modules of a node: which there are, which run, and what each is told.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { OpenRedModule, OptionValue } from "../../modules/api.ts";
import type { BusyMark } from "../../ports/busy_mark.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { ModuleDetail, ModuleLoad, ModuleView } from "../../protocol/module_api.ts";
import { type Manifest, manifestSchema } from "../../protocol/module_manifest.ts";
import { parseInput } from "../../protocol/schemas.ts";
import { faultText } from "../events/faults.ts";
import type { Background } from "../timing/background.ts";
import type { FileCondition } from "./file_lives.ts";
import { FileModules } from "./file_modules.ts";
import type { OpenFile } from "./opened_file.ts";
import type { FrameIds } from "./frame_ids.ts";
import { Grants } from "./grants.ts";
import type { HookJournal, PeerHook } from "./hook_journal.ts";
import { checkOption, optionValues } from "./module_options.ts";
import { ModuleRuns, type RunParts, waitingIn } from "./module_runs.ts";
import type { ModuleState, ModuleStates } from "./module_states.ts";

/** A module that is part of the program. Its code is loaded when it starts. */
export interface BuiltInModule {
  readonly name: string;
  /** The form that it brings its tables to; absent where it has none. */
  tablesForm?(): Promise<number>;
  /** Loads its code, so that it starts without a wait. */
  loadCode?(): Promise<unknown>;
  load(): Promise<OpenRedModule>;
}

export interface HostParts extends RunParts {
  readonly background: Background;
  readonly states: ModuleStates;
  readonly frameIds: FrameIds;
  readonly journal: HookJournal;
  readonly openFile: OpenFile;
  readonly busyMark: BusyMark;
}

/** The host of one node. */
export class ModuleHost {
  readonly runs: ModuleRuns;
  readonly #parts: HostParts;
  readonly #builtIns: readonly BuiltInModule[];
  readonly #files: FileModules;
  readonly #failures = new Map<string, string>();
  readonly #manifests = new Map<string, Manifest>();
  /** The end of the last change that was asked for: one at a time. */
  #changed: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  /** @throws {RangeError} For two modules of one name, or one with the name of the protocol's own frames. */
  constructor(parts: HostParts, builtIns: readonly BuiltInModule[]) {
    const names = builtIns.map(({ name }) => name);
    if (new Set(["core", ...names]).size <= names.length) {
      throw new RangeError("Expected modules of different names, and none called core");
    }
    this.#parts = parts;
    this.#builtIns = builtIns;
    this.runs = new ModuleRuns(parts);
    this.#files = new FileModules({
      ...parts,
      runs: this.runs,
      builtInNames: builtIns.map(({ name }) => name),
      inTurn: (work) => this.#later(work),
    });
  }

  /** Starts every built-in module that is to run, then those from files in the background, by name. */
  async start(): Promise<void> {
    await this.#inTurn(async () => {
      const blamed = this.#parts.busyMark.take();
      if (blamed !== null) await this.#files.blame(blamed);
      for (const builtIn of this.#builtIns) {
        if (this.#parts.states.get(builtIn.name)?.enabled !== false) await this.#tryStart(builtIn);
      }
    });
    const files = this.#parts.states.all().filter(({ kind, enabled }) =>
      kind === "file" && enabled
    );
    for (const { name } of files) this.#later(() => this.#files.tryStart(name));
  }

  /** Stops every module, the last one first. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#files.endBlame();
    await this.#inTurn(async () => {
      this.#isStopped = true;
      for (const { running } of this.runs.runs().reverse()) await this.#stop(running.name);
      for (const { name, kind } of this.#parts.states.all()) {
        if (kind === "file") await this.#files.stop(name);
      }
    });
  }

  /** What the running modules serve. */
  services(): readonly string[] {
    return [...new Set([...this.runs.all].flatMap(({ manifest }) => manifest.services))];
  }

  /** By name, as `module list` shows them. */
  views(): ModuleView[] {
    return this.#parts.states.all().map((state) => this.#view(state));
  }

  /** @throws {OpenRedError} `not_found`. */
  info(name: string): ModuleDetail {
    const state = this.#state(name);
    const kept = this.#files.kept(name);
    const manifest = this.#manifests.get(name) ?? this.#files.manifest(name);
    return {
      ...this.#view(state),
      manifest,
      options: manifest === null ? state.options : optionValues(manifest, state.options),
      stored_bytes: kept.bytes(),
      copy: kept.copies.held(),
      restarts: this.#files.restarts(name),
    };
  }

  /** @throws {OpenRedError} As {@linkcode FileModules.load}. */
  async load(input: ModuleLoad): Promise<ModuleView> {
    using meanwhile = this.#files.watchRevocations();
    const load = () => this.#files.load(input, meanwhile);
    return await this.#inTurn(async () => this.#view(this.#state(await load())));
  }

  /** @throws {OpenRedError} `not_found`, also for a built-in module; `overloaded`. */
  unload(name: string, options: { readonly forget: boolean }): Promise<void> {
    return this.#inTurn(async () => {
      this.#fileState(name);
      await this.#files.unload(name, options);
    });
  }

  /**
   * Starts a module anew. Calls under way go on in the former run: that of a file beside the new one, that of a
   * built-in module before it.
   * @throws {OpenRedError} As {@linkcode enable}.
   */
  reload(name: string): Promise<ModuleView> {
    return this.#change(name, async ({ kind }) => {
      if (kind === "file") await this.#files.restart(name);
      else await this.#startBuiltIn(this.#builtIn(name));
    });
  }

  /**
   * Has a module run, now and at every start.
   * @throws {OpenRedError} `not_found`, `overloaded`; `forbidden` where the owner has to agree first; what it failed with.
   */
  enable(name: string): Promise<ModuleView> {
    return this.#change(name, async (state) => {
      if (!state.agreed) this.#noteAgreement(state);
      await this.#parts.states.change(name, (held) => ({ ...held, enabled: true, agreed: true }));
      if (this.runs.get(name) !== undefined) return;
      if (state.kind === "file") await this.#files.restart(name);
      else await this.#startBuiltIn(this.#builtIn(name));
    });
  }

  /** Stops a module, now and at every start. What it keeps stays. @throws {OpenRedError} As {@linkcode enable}. */
  disable(name: string): Promise<ModuleView> {
    return this.#change(name, async () => {
      await this.#parts.states.change(name, (held) => ({ ...held, enabled: false }));
      await this.#stop(name);
    });
  }

  /** @throws {OpenRedError} As {@linkcode FileModules.grant}. */
  grant(name: string, grant: string): Promise<ModuleView> {
    return this.#change(name, () => this.#files.grant(name, grant));
  }

  /** Cuts a grant at once: it waits for no other change. @throws {OpenRedError} As {@linkcode FileModules.revoke}. */
  async revoke(name: string, grant: string): Promise<ModuleView> {
    await this.#files.revoke(name, grant);
    return this.#view(this.#state(name));
  }

  /** @throws {OpenRedError} As {@linkcode FileModules.setOption}. */
  setOption(name: string, option: string, value: OptionValue): Promise<ModuleDetail> {
    return this.#inTurn(async () => {
      if (this.#state(name).kind === "file") await this.#files.setOption(name, option, value);
      else await this.#setBuiltIn(name, option, value);
      return this.info(name);
    });
  }

  /** Tells the modules that a session with a peer counts from now on. */
  confirmed(peer: NodeId): void {
    this.#parts.asking.confirmed(peer);
    for (const { running } of this.runs.runs()) {
      const tell = async () => await running.module.sessionConfirmed?.(peer);
      this.#parts.background.run(`${running.name}_confirmed`, tell(), peer);
    }
  }

  /** Inside a transaction: whatever modules keep of an id goes to the one that followed it. */
  writeMove(old: NodeId, next: NodeId): void {
    for (const { running, sends, asks } of this.runs.runs()) {
      if (running.kind === "built-in") running.module.peerMoved?.(old, next);
      sends.cancel(old);
      asks.cancel(old);
    }
    this.#writeHook({ hook: "moved", peer: old, next });
    this.#parts.frameIds.writeForget(old);
  }

  /** Inside a transaction: whatever waits for a peer goes. */
  writeForget(peer: NodeId): void {
    for (const { running, sends, asks } of this.runs.runs()) {
      if (running.kind === "built-in") running.module.peerForgotten?.(peer);
      sends.cancel(peer);
      asks.cancel(peer);
    }
    this.#writeHook({ hook: "forgotten", peer });
  }

  /** After such a transaction: tells the modules from files. */
  peersChanged(): void {
    this.#parts.background.run("module_hooks", this.#files.tellHooks());
  }

  /** How much waits here for a peer. */
  waiting(peer: NodeId): number {
    return this.runs.runs().reduce((sum, run) => sum + waitingIn(run, peer), 0);
  }

  /** A module with which the value does not start goes on with the former one. */
  async #setBuiltIn(name: string, option: string, value: OptionValue): Promise<void> {
    const { states } = this.#parts;
    const manifest = this.#manifests.get(name);
    if (manifest === undefined) throw new OpenRedError("bad_request", `Enable ${name} first`);
    checkOption(manifest, option, value);
    const { options } = this.#state(name);
    await states.change(name, (state) => ({ ...state, options: { ...options, [option]: value } }));
    if (this.runs.get(name) === undefined) return;
    try {
      await this.#startBuiltIn(this.#builtIn(name));
    } catch (error) {
      await states.change(name, (state) => ({ ...state, options }));
      await this.#tryStart(this.#builtIn(name));
      throw error;
    }
  }

  /** Modules from files are told later, and built-in ones that do not run once they do. */
  #writeHook(hook: PeerHook): void {
    this.#files.writeHook(hook);
    for (const { name } of this.#builtIns) {
      const isKnown = this.#parts.states.get(name) !== null;
      if (isKnown && this.runs.get(name) === undefined) this.#parts.journal.writeAdd(name, hook);
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changed.then(() => {
      if (this.#isStopped) throw new OpenRedError("overloaded", "The node stops");
      return work();
    });
    this.#changed = done.catch(() => undefined);
    return done;
  }

  /** In the background, in turn; not at all once the node stops. */
  #later(work: () => Promise<void>): void {
    const done = this.#changed.then(() => this.#isStopped ? undefined : work());
    this.#changed = done.catch(() => undefined);
    this.#parts.background.run("module", done);
  }

  #change(name: string, work: (state: ModuleState) => Promise<void>): Promise<ModuleView> {
    return this.#inTurn(async () => {
      await work(this.#state(name));
      return this.#view(this.#state(name));
    });
  }

  async #stop(name: string): Promise<void> {
    if (this.#parts.states.get(name)?.kind === "file") await this.#files.stop(name);
    else await this.runs.stop(name);
  }

  /** With the grants that it had, which the owner sees beside it. */
  #noteAgreement({ name, sha256 }: ModuleState): void {
    this.#parts.events.audit("module_granted", { success: true, module: name, what: sha256 });
  }

  #state(name: string): ModuleState {
    const state = this.#parts.states.get(name);
    if (state === null) throw new OpenRedError("not_found", "There is no module of this name");
    return state;
  }

  #fileState(name: string): ModuleState {
    const state = this.#state(name);
    if (state.kind === "file") return state;
    throw new OpenRedError("bad_request", `${name} is part of the program; it can be disabled`);
  }

  #builtIn(name: string): BuiltInModule {
    const builtIn = this.#builtIns.find((other) => other.name === name);
    if (builtIn === undefined) {
      throw new OpenRedError("not_found", "There is no module of this name");
    }
    return builtIn;
  }

  #condition({ name, kind }: ModuleState): FileCondition {
    if (kind === "file") return this.#files.condition(name);
    if (this.runs.get(name) !== undefined) return { state: "running" };
    const why = this.#failures.get(name);
    return why === undefined ? { state: "stopped" } : { state: "failed", why };
  }

  #view(given: ModuleState): ModuleView {
    const { name, kind, sha256, grants } = given;
    // What is to take over is noted before it has.
    const version = this.runs.get(name)?.manifest.version ?? given.version;
    return {
      name,
      version,
      kind,
      ...this.#condition(given),
      ...(sha256 === null ? {} : { sha256 }),
      grants,
    };
  }

  async #tryStart(builtIn: BuiltInModule): Promise<void> {
    const { log, events } = this.#parts;
    const { name } = builtIn;
    try {
      await this.#startBuiltIn(builtIn);
    } catch (error) {
      log.log("error", "module_failed", { module: name, text: faultText(error) });
      const why = whyOf(error);
      events.audit("module_failed", { success: false, module: name, why });
    }
  }

  /**
   * Its former run ends first: two would write the same rows.
   * @throws {OpenRedError} As {@linkcode ModuleRuns.start}; then it does not run, and that is said.
   */
  async #startBuiltIn(builtIn: BuiltInModule): Promise<void> {
    const { states, events } = this.#parts;
    const { name } = builtIn;
    try {
      const module = await builtIn.load();
      const manifest = parseInput(manifestSchema, module.manifest);
      if (manifest.name !== name) throw new RangeError("A module has another name");
      const state = await states.builtIn(name, manifest.version);
      this.#manifests.set(name, manifest);
      await this.runs.stop(name);
      const tellMissed = () => this.#tellMissed(module, name);
      await this.runs.start({ module, manifest, state, grants: new Grants([]), tellMissed });
    } catch (error) {
      if (this.runs.get(name) === undefined) {
        this.#failures.set(name, whyOf(error));
        events.warn(`module ${name}`, `The module ${name} does not run: ${whyOf(error)}`);
      }
      throw error;
    }
    this.#failures.delete(name);
    events.settle(`module ${name}`);
  }

  /** @returns `null` where it has missed nothing. */
  #tellMissed(module: OpenRedModule, name: string): Promise<void> | null {
    const { journal, store } = this.#parts;
    if (journal.waiting(name).length === 0) return null;
    return store.write(() => {
      for (const { number, hook } of journal.waiting(name)) {
        if (hook.hook === "moved") module.peerMoved?.(hook.peer, hook.next);
        else module.peerForgotten?.(hook.peer);
        journal.writeConfirmed(number);
      }
    });
  }
}

/** Why a module does not run, without what its inside says. */
function whyOf(error: unknown): string {
  return error instanceof OpenRedError ? error.message : "It failed to start";
}
