/**
 * What the owner agreed to of each module from a file: a name, a hash, grants. A grant that is taken back is cut at
 * once, in the version that runs and in the one that is about to take its place.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import type { ModuleLoad } from "../../protocol/module_api.ts";
import { isNameFree, type Manifest } from "../../protocol/module_manifest.ts";
import type { NodeEvents } from "../events/events.ts";
import { checkGrant, Grants, readGrant, undecided } from "./grants.ts";
import type { ModuleRuns } from "./module_runs.ts";
import type { ModuleState, ModuleStates } from "./module_states.ts";

export interface AgreementParts {
  readonly states: ModuleStates;
  readonly runs: ModuleRuns;
  readonly events: NodeEvents;
  /** Names that no file may have. */
  readonly builtInNames: readonly string[];
}

/** What is agreed to with a file. */
export interface Agreeing {
  readonly held: ModuleState | null;
  readonly sha256: string;
  readonly grants: readonly string[];
  readonly change: ModuleLoad["change"];
}

/** What is taken back while a file is on its way: the agreement that came with the file is older. */
export class Revocations implements Disposable {
  readonly #all: Set<Revocations>;
  readonly #taken: { readonly module: string; readonly grant: string }[] = [];

  constructor(all: Set<Revocations>) {
    this.#all = all;
    all.add(this);
  }

  note(module: string, grant: string): void {
    this.#taken.push({ module, grant });
  }

  /** What is left of an agreement. */
  applyTo(state: ModuleState): ModuleState {
    const gone = this.#taken.filter(({ module }) => module === state.name);
    return takenBack(state, gone.map(({ grant }) => grant));
  }

  [Symbol.dispose](): void {
    this.#all.delete(this);
  }
}

/** The agreements of one node. */
export class FileAgreements {
  readonly #parts: AgreementParts;
  /** The grants of versions that are starting. */
  readonly #starting = new Map<string, Grants>();
  readonly #revocations = new Set<Revocations>();

  constructor(parts: AgreementParts) {
    this.#parts = parts;
  }

  /** Notes what is taken back from now on, until it is disposed of. */
  watchRevocations(): Revocations {
    return new Revocations(this.#revocations);
  }

  /** @throws {OpenRedError} `not_found`. */
  state(name: string): ModuleState {
    const state = this.#parts.states.get(name);
    if (state?.kind === "file") return state;
    throw new OpenRedError("not_found", "There is no module of this name that came from a file");
  }

  /** @throws {OpenRedError} `forbidden` for a name that is taken, or too much like another one. */
  checkName(name: string, held: ModuleState | null): void {
    const { states, builtInNames } = this.#parts;
    const others = states.all().map((state) => state.name).filter((other) => other !== name);
    if (held?.kind === "built-in" || !isNameFree(name, [...builtInNames, ...others])) {
      throw new OpenRedError("forbidden", `The name ${name} is taken or too much like another one`);
    }
  }

  /** The state of a file that the owner agreed to: what is not granted counts as taken back. */
  agreed(manifest: Manifest, { held, sha256, grants, change }: Agreeing): ModuleState {
    const { states } = this.#parts;
    const kept = change === "fresh" ? null : held;
    // The data that a module of this name has left are sealed under its key.
    const leftSalt = change === "fresh" ? null : states.leftSalt(manifest.name);
    return {
      name: manifest.name,
      kind: "file",
      version: manifest.version,
      sha256,
      enabled: true,
      agreed: true,
      grants,
      revoked: undecided(manifest, { grants, revoked: [] }),
      options: kept?.options ?? {},
      salt: kept?.salt ?? leftSalt ?? states.newSalt(),
    };
  }

  /**
   * Gives a version that starts its grants, without those that were taken back while its file was opened; its former one
   * has no more than both were granted from now on.
   */
  async starting(name: string, start: (grants: Grants) => Promise<void>): Promise<void> {
    const given = this.state(name).grants;
    const grants = new Grants(given);
    const former = this.#parts.runs.run(name)?.grants;
    former?.set(given.filter((text) => former.has(readGrant(text).name)));
    this.#starting.set(name, grants);
    try {
      await start(grants);
    } finally {
      this.#starting.delete(name);
    }
  }

  /** @throws {OpenRedError} `bad_request` for a grant that the module does not ask for. */
  async grant(name: string, text: string, manifest: Manifest): Promise<void> {
    checkGrant(manifest, text);
    const given = readGrant(text).name;
    await this.#change(name, (state) => ({
      ...state,
      grants: [...without(state.grants, [given]), text],
      revoked: state.revoked.filter((other) => other !== given),
    }));
    this.note("module_granted", name, text);
  }

  /** Cuts at once what was granted. @throws {OpenRedError} `bad_request` for what was not. */
  async revoke(name: string, text: string): Promise<void> {
    const gone = readGrant(text).name;
    const { grants } = this.state(name);
    if (!grants.some((other) => readGrant(other).name === gone)) {
      throw new OpenRedError("bad_request", "This was not granted");
    }
    this.#set(name, without(grants, [gone]));
    for (const revocations of this.#revocations) revocations.note(name, gone);
    await this.#change(name, (state) => takenBack(state, [gone]));
    const [kind, method] = gone.split(":");
    if (kind === "method" && method !== undefined) await this.#parts.runs.dropMethod(method);
    this.note("module_revoked", name, gone);
  }

  note(event: "module_granted" | "module_revoked", name: string, what: string): void {
    this.#parts.events.audit(event, { success: true, module: name, what });
  }

  async #change(name: string, change: (state: ModuleState) => ModuleState): Promise<void> {
    await this.#parts.states.change(name, change);
    this.#set(name, this.state(name).grants);
  }

  #set(name: string, grants: readonly string[]): void {
    this.#parts.runs.run(name)?.grants.set(grants);
    this.#starting.get(name)?.set(grants);
  }
}

function takenBack(state: ModuleState, gone: readonly string[]): ModuleState {
  const revoked = [...new Set([...state.revoked, ...gone])];
  return { ...state, grants: without(state.grants, gone), revoked };
}

function without(grants: readonly string[], gone: readonly string[]): string[] {
  return grants.filter((text) => !gone.includes(readGrant(text).name));
}
