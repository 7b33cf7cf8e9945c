/**
 * A host with modules from files, whose threads, time and database are in a test's hands.
 *
 * @module
 */
import { encodeNodeId, encodeUtf8, type NodeId } from "../../../../crypto/encoding.ts";
import type { GrantedFolders } from "../../../../ports/granted_folders.ts";
import type { ModuleLoad, ModuleView } from "../../../../protocol/module_api.ts";
import { HostedModules } from "../../../world/hosted_modules.ts";
import { LocalModuleWorkers } from "../../../world/local_module_workers.ts";
import { MemoryBusyMark } from "../../../world/memory_busy_mark.ts";
import { ContextWorld } from "../../../world/module_context.ts";
import { settle } from "../../../world/settle.ts";
import { until } from "../../../world/until.ts";
import { type TestManifest, testManifest } from "../../../world/test_module.ts";

export const [PEER, OTHER] = [1, 2].map((fill) => encodeNodeId(new Uint8Array(32).fill(fill))) as [
  NodeId,
  NodeId,
];

/**
 * The text of a file.
 * @param members More members of its export; `context` is its context once it has started, `kept` what it keeps.
 */
export function fileOf(manifest: TestManifest, members = ""): string {
  return `
    let context;
    const encoder = new TextEncoder();
    const decoder = new TextDecoder();
    export default {
      manifest: ${JSON.stringify(testManifest(manifest))},
      async start(given) { context = given; },
      ${members}
    };`;
}

export async function sha256Of(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encodeUtf8(text))).toHex();
}

/** What one process after the other is on the same data. */
export class FileWorld implements Disposable {
  readonly threads = new LocalModuleWorkers();
  readonly mark = new MemoryBusyMark();
  hosted!: HostedModules;

  private constructor(
    readonly world: ContextWorld,
    readonly folders: GrantedFolders | undefined,
  ) {}

  static async create(options: { folders?: GrantedFolders } = {}): Promise<FileWorld> {
    const test = new FileWorld(await ContextWorld.create(), options.folders);
    await test.startAnew();
    return test;
  }

  get host() {
    return this.hosted.host;
  }

  get store() {
    return this.world.parts.store;
  }

  /** Another process after one that was killed, in which some other module was busy. */
  async startAfterKill(): Promise<void> {
    this.mark.clear();
    await this.startAnew();
  }

  /** The host of another process on the same data. The former one is just gone, unless a test has stopped it. */
  async startAnew(): Promise<void> {
    const { folders, mark } = this;
    this.hosted = new HostedModules(this.world, [], {
      moduleWorkers: this.threads,
      busyMark: mark,
      ...(folders === undefined ? {} : { folders }),
    });
    await this.hosted.host.start();
    await until(() => this.#isUp(), "every module has started, or says why not");
  }

  #isUp(): boolean {
    const { host, states } = this.hosted;
    return host.views().every(({ name, state }) =>
      state !== "stopped" || states.get(name)?.enabled === false
    );
  }

  async load(
    text: string,
    { change = "new", grants = [] }: Partial<Pick<ModuleLoad, "change" | "grants">> = {},
  ): Promise<ModuleView> {
    const code = encodeUtf8(text);
    return await this.host.load({ code, sha256: await sha256Of(text), grants, change });
  }

  /** State and reason of one module. */
  view(name: string): string {
    const view = this.host.views().find((one) => one.name === name);
    if (view === undefined) return "gone";
    return `${view.version} ${view.state}${view.why === undefined ? "" : ` (${view.why})`}`;
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.world.parts.clock.advance(ms);
    await settle();
  }

  [Symbol.dispose](): void {
    this.world[Symbol.dispose]();
  }
}
