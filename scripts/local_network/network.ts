/**
 * A directory and nodes as real processes on free loopback ports, in a temporary folder.
 *
 * @module
 */
import { AdminClient } from "../../cli/admin_client.ts";
import { sendLoopback } from "../../ports/system_loopback.ts";
import { systemClock, systemRandom } from "../../ports/system.ts";
import { ADMIN_FILE } from "../../protocol/admin_api.ts";
import { Child, type Ready } from "./child.ts";
import { childEnvironment, filesOf, type ProgramName, type Programs } from "./programs.ts";
import { poll } from "./timeout.ts";

const ANY_PORT = "127.0.0.1:0";
const REGISTER_TIMEOUT_MS = 120_000;
const FOLDER_PREFIX = "openred-";

export interface NetworkOptions {
  readonly programs: Programs;
  readonly names: readonly string[];
  /** Whether the directory is a relay too, and the nodes listen nowhere but behind it. */
  readonly isRelayed?: boolean;
  readonly onLog: (name: string, line: string) => void;
  /** Gets the network before anything of it runs, for whoever may have to abandon it. */
  readonly onNetwork?: (network: LocalNetwork) => void;
  readonly onNodeReady?: (node: LocalNode) => void;
  /** Ends every wait of the admin clients. */
  readonly signal: AbortSignal;
  /** Further words for the command of a process, `directory` or a node's name. */
  readonly wordsOf?: (name: string) => readonly string[];
  /** Where a process listens at first; on a port of the system's choice unless it says so. */
  readonly listenOf?: (name: string) => string | undefined;
}

/** A node that answers. */
export interface LocalNode {
  readonly name: string;
  readonly id: string;
  readonly url: string;
  readonly data: string;
  /** A folder for files that it shares and fetches. */
  readonly files: string;
  readonly child: Child;
  readonly admin: AdminClient;
}

export interface LocalDirectory {
  readonly id: string;
  readonly url: string;
  readonly child: Child;
}

/** The running processes. Disposing of it ends them and removes the folder. */
export class LocalNetwork implements AsyncDisposable {
  readonly folder: string;
  readonly #options: NetworkOptions;
  readonly #children = new Map<string, Child>();
  readonly #nodes = new Map<string, LocalNode>();
  #directory: LocalDirectory | null = null;
  readonly #broken = Promise.withResolvers<never>();
  #stopping = false;

  private constructor(options: NetworkOptions) {
    this.#options = options;
    this.#broken.promise.catch(() => {});
    this.folder = Deno.makeTempDirSync({ prefix: FOLDER_PREFIX });
  }

  /**
   * Starts all processes and waits until every node is registered.
   * @throws {Error} With the last log lines of the process that failed; everything else is ended then.
   */
  static async start(options: NetworkOptions): Promise<LocalNetwork> {
    const network = new LocalNetwork(options);
    options.onNetwork?.(network);
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => reject(new Error("Stopped while starting"));
    options.signal.addEventListener("abort", abort);
    try {
      await Promise.race([network.#startAll(), network.untilBroken(), aborted]);
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    } finally {
      options.signal.removeEventListener("abort", abort);
    }
  }

  get directory(): LocalDirectory {
    if (this.#directory === null) throw new TypeError("The directory was not started");
    return this.#directory;
  }

  /** The nodes in the order of their names' listing. */
  get nodes(): readonly LocalNode[] {
    return this.#options.names.map((name) => this.node(name));
  }

  node(name: string): LocalNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new TypeError(`There is no node ${name}`);
    return node;
  }

  /** The command of a program up to its own words. */
  command(program: ProgramName, name: string): readonly string[] {
    return this.#options.programs.command(program, this.#dataOf(name));
  }

  /** Starts the directory; one that ran before keeps its data and its port. */
  async startDirectory(): Promise<void> {
    const listen = this.#listenOf("directory", this.#directory);
    const { child, ready } = await this.#startChild({
      program: "central",
      name: "directory",
      // All nodes are on one host here, which limits per called host would slow down.
      words: [
        ...["--listen", listen, "--host-in-flight", "0", "--host-per-minute", "0"],
        ...(this.#options.isRelayed ? ["--relay"] : []),
      ],
    });
    this.#directory = { child, ...ready };
  }

  /** Starts a node; one that ran before keeps its data and its port. */
  async startNode(name: string): Promise<LocalNode> {
    const former = this.#nodes.get(name);
    const listen = this.#listenOf(name, former ?? null);
    const reached = this.#options.isRelayed ? ["--relay", "auto"] : ["--listen", listen];
    const { child, ready } = await this.#startChild({
      program: "node",
      name,
      words: [
        ...reached,
        ...["--directories", this.directory.url, "--alias", name, "--console-listen", "off"],
      ],
    });
    const data = this.#dataOf(name);
    const admin = await this.#openAdmin(data);
    const files = filesOf(data);
    await Deno.mkdir(files, { recursive: true });
    const node: LocalNode = { name, id: ready.id, url: ready.url, data, files, child, admin };
    this.#nodes.set(name, node);
    this.#options.onNodeReady?.(node);
    return node;
  }

  /** @throws {Error} When it takes too long, with what the directory said. */
  async untilRegistered(name: string): Promise<void> {
    let last = "";
    const ask = async () => {
      const { directories } = await this.node(name).admin.status();
      last = directories.map(({ last_error }) => last_error ?? "no answer").join(", ");
      return directories.every(({ state }) => state === "registered") ? true : null;
    };
    const what = `${name} to register`;
    await poll(ask, { timeoutMs: REGISTER_TIMEOUT_MS, what }).catch((cause) => {
      throw new Error(`${cause.message} (${last})\n${this.node(name).child.logTail()}`, { cause });
    });
  }

  /** Rejects when a process ends that nobody here ended. */
  untilBroken(): Promise<never> {
    return this.#broken.promise;
  }

  /** Ends a process at once, as a power cut would. */
  async kill(name: string): Promise<void> {
    const child = this.#children.get(name);
    if (child === undefined) throw new TypeError(`There is no process ${name}`);
    this.#children.delete(name);
    await child.kill();
  }

  /** Says that a process is about to end on purpose. */
  expectEnd(name: string): void {
    this.#children.delete(name);
  }

  /** Ends all processes and removes the folder without waiting for anything. */
  abandon(): void {
    const children = [...this.#children.values()];
    this.#children.clear();
    for (const child of children) child.sendKill();
    Deno.removeSync(this.folder, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    const children = [...this.#children.values()];
    this.#children.clear();
    await Promise.all(children.map((child) => child.stop()));
    await Deno.remove(this.folder, { recursive: true });
  }

  async #startAll(): Promise<void> {
    await this.#options.programs.prepare();
    await this.startDirectory();
    const { names } = this.#options;
    await Promise.all(names.map((name) => this.startNode(name)));
    await Promise.all(names.map((name) => this.untilRegistered(name)));
  }

  async #watch(child: Child): Promise<void> {
    const status = await child.ended;
    if (this.#children.get(child.name) !== child) return;
    const how = status.signal ?? `exit code ${status.code}`;
    this.#broken.reject(new Error(`${child.name} ended by itself (${how})\n${child.logTail()}`));
  }

  #listenOf(name: string, former: { readonly url: string } | null): string {
    return this.#options.listenOf?.(name) ??
      (former === null ? ANY_PORT : new URL(former.url).host);
  }

  #dataOf(name: string): string {
    return `${this.folder}/${name}`;
  }

  async #startChild(
    options: { program: ProgramName; name: string; words: readonly string[] },
  ): Promise<{ child: Child; ready: Ready }> {
    const { program, name } = options;
    if (this.#stopping) throw new Error("Stopped while starting");
    const data = this.#dataOf(name);
    const common = ["run", "--json", "--allow-private", "--data", data];
    const child = new Child({
      name,
      command: [
        ...this.command(program, name),
        ...common,
        ...options.words,
        ...this.#options.wordsOf?.(name) ?? [],
      ],
      env: childEnvironment(),
      onLog: (line) => this.#options.onLog(name, line),
    });
    this.#children.set(name, child);
    void this.#watch(child);
    return { child, ready: await child.untilReady() };
  }

  async #openAdmin(data: string): Promise<AdminClient> {
    const adminFile = await Deno.readFile(`${data}/${ADMIN_FILE}`);
    const { signal } = this.#options;
    return new AdminClient({
      isDefault: false,
      slow: () => {},
      data,
      adminFile,
      send: sendLoopback,
      clock: systemClock,
      random: systemRandom,
      signal,
    });
  }
}
