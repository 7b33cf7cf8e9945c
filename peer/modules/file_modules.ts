/**
 * Modules from files: loading, starting and ending those that the owner agreed to, each bound to its file's hash.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { CryptoCore } from "../../crypto/interface.ts";
import type { OpenRedModule, OptionValue } from "../../modules/api.ts";
import type { BusyMark } from "../../ports/busy_mark.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { ModuleLoad } from "../../protocol/module_api.ts";
import { type Manifest, readFileManifest } from "../../protocol/module_manifest.ts";
import { type AgreementParts, FileAgreements, type Revocations } from "./file_agreements.ts";
import { checkGrant, undecided } from "./grants.ts";
import { type FileCondition, FileLives, type LifeParts } from "./file_lives.ts";
import type { PeerHook } from "./hook_journal.ts";
import { keepsCopy, type KeptParts, ModuleKept } from "./module_kept.ts";
import { checkOption } from "./module_options.ts";
import type { ModuleState } from "./module_states.ts";
import { type FileEnd, firstLine, type OpenedFile, type OpenFile } from "./opened_file.ts";

export interface FileParts extends KeptParts, AgreementParts, LifeParts {
  readonly crypto: CryptoCore;
  readonly busyMark: BusyMark;
  readonly openFile: OpenFile;
}

/** The modules of one node that came from files. */
export class FileModules {
  readonly #parts: FileParts;
  readonly #agreements: FileAgreements;
  readonly #lives: FileLives;
  #isEnding = false;

  constructor(parts: FileParts) {
    this.#parts = parts;
    this.#agreements = new FileAgreements(parts);
    this.#lives = new FileLives(parts, (name) => this.tryStart(name));
  }

  condition(name: string): FileCondition {
    return this.#lives.find(name)?.condition ?? { state: "stopped" };
  }

  manifest(name: string): Manifest | null {
    return this.#lives.find(name)?.manifest ?? null;
  }

  restarts(name: string): number {
    return this.#lives.find(name)?.restarts ?? 0;
  }

  /** To be begun when a file is handed in, as {@linkcode load} may have to wait for its turn. */
  watchRevocations(): Revocations {
    return this.#agreements.watchRevocations();
  }

  /**
   * Takes a file that the owner agreed to, and starts it; also in the place of another version.
   * @param meanwhile What was taken back since the owner agreed.
   * @throws {OpenRedError} `bad_request` for other bytes than were agreed to, a manifest or grants that do not fit, a
   *   `change` that is none; `forbidden` for a name that is not free, or not the one that was agreed to; `overloaded`;
   *   what it failed with.
   */
  async load(
    { module, code, sha256, grants, change }: ModuleLoad,
    meanwhile: Revocations,
  ): Promise<string> {
    if (await this.#hash(code) !== sha256) {
      throw new OpenRedError("bad_request", "The file is not the one that was agreed to");
    }
    const opened = await this.#open(code);
    try {
      const manifest = readFileManifest(opened.module.manifest);
      const { name } = manifest;
      checkSameName(module ?? name, manifest);
      const held = this.#parts.states.get(name);
      this.#agreements.checkName(name, held);
      this.kept(name).checkChange(change);
      for (const text of grants) checkGrant(manifest, text);
      const state = this.#agreements.agreed(manifest, { held, sha256, grants, change });
      await this.#replace({ state, code, opened, manifest, meanwhile }, change);
      return name;
    } catch (error) {
      await opened.terminate();
      throw error;
    }
  }

  /** Puts a file in the place of what is there, which comes back where it does not start. */
  async #replace(
    next: {
      state: ModuleState;
      code: Uint8Array;
      opened: OpenedFile;
      manifest: Manifest;
      meanwhile: Revocations;
    },
    change: ModuleLoad["change"],
  ): Promise<void> {
    const { state, code, meanwhile } = next;
    const { name } = state;
    const kept = this.kept(name);
    const former = kept.former();
    const wasRunning = this.condition(name).state === "running";
    if (keepsCopy(change)) await this.stop(name);
    await kept.place({ state: () => meanwhile.applyTo(state), code }, change);
    this.#agreements.note("module_granted", name, state.sha256 ?? "");
    this.#lives.of(name).policy.reset();
    try {
      this.#lives.of(name).cancelRestart();
      await this.#start(state, next);
    } catch (error) {
      const back = former.state === null ? null : meanwhile.applyTo(former.state);
      await kept.placeBack({ state: back, code: former.code }, change);
      await this.#goOn(name, back, { wasRunning });
      throw error;
    }
    if (change === "fresh") await this.#parts.store.write(() => kept.copies.writeForget());
  }

  /** After another version did not start: the former one runs as before. */
  async #goOn(
    name: string,
    state: ModuleState | null,
    { wasRunning }: { wasRunning: boolean },
  ): Promise<void> {
    if (state === null) {
      this.#lives.forget(name);
    } else if (this.#lives.of(name).opened !== null) {
      this.#parts.runs.run(name)?.grants.set(state.grants);
    } else if (wasRunning) {
      await this.tryStart(name);
    }
  }

  /**
   * Starts a module that is there.
   * @throws {OpenRedError} `forbidden` where the owner has to agree first; what it failed with.
   */
  async start(name: string): Promise<void> {
    const { states } = this.#parts;
    const state = states.get(name);
    const code = states.code(name);
    if (state === null || code === null) {
      throw new OpenRedError("not_found", "The file of this module is missing; load it again");
    }
    this.#lives.of(name).cancelRestart();
    if (!state.agreed) {
      throw this.#lives.needsGrant(name, "It came with a backup, and is enabled by you alone");
    }
    if (await this.#hash(code) !== state.sha256) {
      throw this.#lives.needsGrant(name, "Its file is not the one that was agreed to");
    }
    const opened = await this.#open(code, name);
    try {
      const manifest = readFileManifest(opened.module.manifest);
      checkSameName(name, manifest);
      this.#lives.of(name).manifest = manifest;
      const missing = undecided(manifest, state);
      if (missing.length > 0) {
        throw this.#lives.needsGrant(name, `It asks for ${missing.join(", ")}`);
      }
      await this.#start(state, { opened, manifest });
    } catch (error) {
      await opened.terminate();
      throw error;
    }
  }

  /** As {@linkcode start}; a module that does not start says why, and keeps nobody else from starting. */
  async tryStart(name: string): Promise<void> {
    try {
      await this.start(name);
    } catch (error) {
      if (this.condition(name).state === "needs_grant") return;
      const why = error instanceof OpenRedError ? error.message : String(error);
      this.#lives.failed(name, { why: "start_failed", detail: why });
    }
  }

  /** Ends a module; what it keeps stays. */
  async stop(name: string): Promise<void> {
    const life = this.#lives.of(name);
    life.cancelRestart();
    life.condition = { state: "stopped" };
    const { opened } = life;
    life.opened = null;
    await this.#parts.runs.stop(name);
    await opened?.terminate();
  }

  /** Ends a module and forgets its file; with `forget` what it keeps as well. */
  async unload(name: string, { forget }: { forget: boolean }): Promise<void> {
    await this.stop(name);
    const { store, states } = this.#parts;
    await store.write(() => {
      states.writeRemove(name);
      if (forget) this.kept(name).writeForget();
    });
    this.#lives.forget(name);
  }

  /** What the node keeps of a module. */
  kept(name: string): ModuleKept {
    return new ModuleKept(this.#parts, name);
  }

  /**
   * Leaves a module stopped until the owner enables it: it was busy when a former process died, and could let this one
   * die as well.
   */
  async blame(name: string): Promise<void> {
    const { states } = this.#parts;
    const state = states.get(name);
    if (state?.kind !== "file" || !state.enabled) return;
    await states.change(name, (held) => ({ ...held, enabled: false }));
    const detail = "it was busy when the node died, and stays stopped until you enable it";
    this.#lives.stopped(name, { why: "process_died", detail });
  }

  /** The node ends in order: whatever happens from here on, no module is to blame. */
  endBlame(): void {
    this.#isEnding = true;
    this.#parts.busyMark.clear();
  }

  #busy(name: string): void {
    if (!this.#isEnding) this.#parts.busyMark.set(name);
  }

  /** Starts a module anew, somebody having looked after it. */
  async restart(name: string): Promise<void> {
    this.#lives.of(name).policy.reset();
    await this.start(name);
  }

  /** @throws {OpenRedError} `bad_request` for a grant that it does not ask for. */
  async grant(name: string, text: string): Promise<void> {
    const manifest = this.#knownManifest(name);
    await this.#agreements.grant(name, text, manifest);
    const state = this.#agreements.state(name);
    const isWaiting = this.condition(name).state === "needs_grant" && state.agreed;
    if (isWaiting && undecided(manifest, state).length === 0) await this.start(name);
  }

  /** Cuts at once what was granted; the module goes on without it. */
  async revoke(name: string, text: string): Promise<void> {
    await this.#agreements.revoke(name, text);
  }

  /** @throws {OpenRedError} `bad_request` for an option that it has not, or a value of another form. */
  async setOption(name: string, option: string, value: OptionValue): Promise<void> {
    checkOption(this.#knownManifest(name), option, value);
    await this.#parts.states.change(name, (state) => ({
      ...state,
      options: { ...state.options, [option]: value },
    }));
    if (this.condition(name).state === "running") await this.restart(name);
  }

  /** Inside a transaction: every module from a file is to hear of a peer, whether it runs or not. */
  writeHook(hook: PeerHook): void {
    const { states, journal } = this.#parts;
    for (const { name, kind } of states.all()) if (kind === "file") journal.writeAdd(name, hook);
  }

  /** Tells the modules that run what waits for them. */
  async tellHooks(): Promise<void> {
    await Promise.all(this.#lives.names().map((name) => this.#tellHooksOf(name)));
  }

  #tellHooksOf(name: string): Promise<void> {
    const life = this.#lives.of(name);
    life.told = life.told.then(async () => {
      const { opened } = life;
      if (opened === null) return;
      await this.#tellWaiting(name, opened).catch((error: unknown) => {
        const text = error instanceof Error ? error.message : "";
        return opened.terminate("failed", `It could not be told of a peer: ${text}`);
      });
    });
    return life.told;
  }

  async #tellWaiting(name: string, opened: OpenedFile): Promise<void> {
    const { journal } = this.#parts;
    for (const { number, hook } of journal.waiting(name)) {
      await opened.tell(hook);
      await journal.confirmed(number);
    }
  }

  /** @param name Where it is known before the file has said it. */
  async #open(code: Uint8Array, name?: string): Promise<OpenedFile> {
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(code);
    } catch (cause) {
      throw new OpenRedError("bad_request", "The file is not UTF-8", { cause });
    }
    try {
      let busyName = name;
      const busy = () => busyName === undefined ? undefined : this.#busy(busyName);
      busy();
      const opened = await this.#parts.openFile({ name: "module", code: text, busy });
      busyName ??= readName(opened.module.manifest);
      return opened;
    } catch (cause) {
      if (!(cause instanceof OpenRedError)) throw cause;
      this.#parts.log.log("warn", "module_not_loaded", { why: cause.message });
      throw new OpenRedError(cause.code, firstLine(cause.message), { cause });
    }
  }

  async #start(
    state: ModuleState,
    { opened, manifest }: { opened: OpenedFile; manifest: Manifest },
  ): Promise<void> {
    const { name } = state;
    const life = this.#lives.of(name);
    const former = life.opened;
    const { module } = opened;
    // What it has missed comes before anything else that it hears.
    const first = () => this.#tellWaiting(name, opened);
    await this.#agreements.starting(
      name,
      (grants) => this.#parts.runs.start({ module, manifest, state, grants, first }),
    );
    life.opened = opened;
    life.manifest = manifest;
    life.condition = { state: "running" };
    this.#lives.settle(name);
    void opened.ended.then((end) => this.#parts.inTurn(() => this.#endedWith(name, opened, end)));
    // What became true while it started.
    void this.#tellHooksOf(name);
    await former?.terminate();
  }

  /** Its code has gone: by itself, unless it was replaced or stopped meanwhile. */
  async #endedWith(name: string, opened: OpenedFile, end: FileEnd): Promise<void> {
    const life = this.#lives.find(name);
    if (life?.opened !== opened) return;
    life.opened = null;
    await this.#parts.runs.drop(name);
    this.#lives.failed(name, end);
  }

  #knownManifest(name: string): Manifest {
    this.#agreements.state(name);
    const manifest = this.#lives.find(name)?.manifest ?? null;
    if (manifest !== null) return manifest;
    throw new OpenRedError("not_found", "This module has not started yet; enable it first");
  }

  async #hash(code: Uint8Array): Promise<string> {
    const hash = await this.#parts.crypto.sha256(code.slice());
    return Buffer.from(hash).toString("hex");
  }
}

/** What an unchecked manifest calls its module. */
function readName(manifest: OpenRedModule["manifest"]): string | undefined {
  try {
    return readFileManifest(manifest).name;
  } catch {
    return undefined;
  }
}

/** The name is what data, peers' permissions and routes hang on, and a file can say another one whenever it is run. */
function checkSameName(name: string, manifest: Manifest): void {
  if (manifest.name === name) return;
  throw new OpenRedError("forbidden", `The file calls itself ${manifest.name} now, not ${name}`);
}
