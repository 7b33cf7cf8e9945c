/**
 * What the owner has granted a module. A change counts at once, also for a module that runs.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { type Grant, grantName, type Manifest } from "../../protocol/module_manifest.ts";

/** The name of a grant, and for a folder its path. */
export interface GivenGrant {
  readonly name: string;
  readonly path: string | null;
}

/** Reads a grant as the owner gives it: its name, for a folder with `=` and an absolute path behind. */
export function readGrant(text: string): GivenGrant {
  const at = text.indexOf("=");
  return at < 0
    ? { name: text, path: null }
    : { name: text.slice(0, at), path: text.slice(at + 1) };
}

/**
 * Holds a grant against what a manifest asks for.
 * @throws {OpenRedError} `bad_request` for one that the module does not ask for, or a folder without its path.
 */
export function checkGrant(manifest: Manifest, text: string): Grant {
  const { name, path } = readGrant(text);
  const grant = manifest.grants.find((asked) => grantName(asked) === name);
  if (grant === undefined) {
    const asked = manifest.grants.map(grantName).join(", ");
    const text = asked === ""
      ? "The module asks for no grant"
      : `The module asks for ${asked} only`;
    throw new OpenRedError("bad_request", text);
  }
  if ((grant.kind === "folder") !== (path !== null)) {
    const form = grant.kind === "folder" ? `${name}=/the/folder` : name;
    throw new OpenRedError("bad_request", `Expected the grant as ${form}`);
  }
  return grant;
}

/** What a module asks for and nobody has decided about. */
export function undecided(
  manifest: Manifest,
  { grants, revoked }: { readonly grants: readonly string[]; readonly revoked: readonly string[] },
): string[] {
  const decided = new Set([...grants.map((text) => readGrant(text).name), ...revoked]);
  return manifest.grants.map(grantName).filter((name) => !decided.has(name));
}

/** The grants of one running module. */
export class Grants {
  #given: ReadonlyMap<string, GivenGrant>;
  /** What ends each piece of work that needs a grant. */
  readonly #underWay = new Map<AbortController, string>();

  constructor(texts: readonly string[]) {
    this.#given = toMap(texts);
  }

  set(texts: readonly string[]): void {
    this.#given = toMap(texts);
    for (const [work, name] of this.#underWay) if (!this.has(name)) work.abort(missing(name));
  }

  has(name: string): boolean {
    return this.#given.has(name);
  }

  /** The path of a granted folder, or `null`. */
  folder(name: string, access: "read" | "write"): string | null {
    return this.#given.get(`folder:${name}:${access}`)?.path ?? null;
  }

  /** @throws {OpenRedError} `forbidden`. */
  need(name: string): void {
    if (!this.has(name)) throw missing(name);
  }

  /**
   * Does what needs a grant. Where that is taken back meanwhile, nobody waits for the work any more.
   * @param work Its signal fires then.
   * @throws {OpenRedError} `forbidden`; what the work throws.
   */
  async during<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.need(name);
    const cut = new AbortController();
    const { promise: over, reject } = Promise.withResolvers<never>();
    cut.signal.addEventListener("abort", () => reject(cut.signal.reason));
    this.#underWay.set(cut, name);
    try {
      const done = work(cut.signal);
      done.catch(() => undefined);
      return await Promise.race([done, over]);
    } finally {
      this.#underWay.delete(cut);
    }
  }
}

function missing(name: string): OpenRedError {
  return new OpenRedError("forbidden", `This needs the grant ${name}`);
}

function toMap(texts: readonly string[]): ReadonlyMap<string, GivenGrant> {
  return new Map(texts.map(readGrant).map((grant) => [grant.name, grant]));
}
