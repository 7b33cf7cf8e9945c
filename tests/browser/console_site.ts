/**
 * The console of a node in this process, as browsers of this machine meet it.
 *
 * @module
 */
import type { Page } from "playwright-core";
import { createKeptSettings } from "../../cli/kept_settings.ts";
import { PageFiles } from "../../modules/console/page_files.ts";
import type { NextRun, NodeConfig } from "../../peer/config.ts";
import type { NewLinkView } from "../../protocol/sign_in_api.ts";
import { SharingNode } from "../modules/file_sharing/sharing_nodes.ts";
import { RealDirectory } from "../world/real_directory.ts";
import { until } from "../world/until.ts";

/** A node with a console on a port of its own. */
export class ConsoleNode extends SharingNode {
  /** What `openred.toml` has. */
  settings: string | null = null;
  /** Resolves once another identity runs in its place. */
  reopened: Promise<void> | null = null;
  #config: Partial<NodeConfig> = {};
  #isOver = false;
  readonly #page = new PageFiles();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    super();
    this.ports = {
      consolePage: (request) => this.#page.answer(request),
      reopen: (next) => void (this.reopened = this.#reopen(next)),
      keptSettings: createKeptSettings({
        read: () => Promise.resolve(this.settings),
        write: (_, text) => Promise.resolve(void (this.settings = text)),
      }, { data: this.data, given: {}, env: () => undefined }),
    };
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) =>
        this.#isOver ? new Response(null, { status: 503 }) : this.node.handleConsole(request),
    );
  }

  get origin(): string {
    return `http://localhost:${this.#server.addr.port}`;
  }

  /** @param directory Where others find it. */
  async begin(directory: string, alias: string): Promise<this> {
    this.settings = `alias = "${alias}"\ndirectories = ["${directory}"]\n`;
    const console = { origin: this.origin, why: "", hasFailed: false, proxies: [] };
    this.#config = { directories: [directory], alias, home: this.folder, console };
    await this.start(this.#config);
    await until(
      async () => (await this.status()).directories[0]?.state === "registered",
      "the node is registered",
    );
    return this;
  }

  async #reopen({ consoleLink }: NextRun): Promise<void> {
    this.#isOver = true;
    await this.stop();
    await this.start({ ...this.#config, consoleLink });
    this.#isOver = false;
  }

  async link(role = "owner"): Promise<string> {
    return (await this.ask<NewLinkView>("POST", "/console/link", { role })).url;
  }

  /** Opens the console, signed in by the terminal's link. */
  async signIn(page: Page, role = "owner"): Promise<void> {
    await page.goto(await this.link(role));
    await page.locator("nav.tabs, nav.rail").first().waitFor({ state: "attached" });
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.#server.shutdown();
  }
}

/** Two people with a console each, who do not know each other yet. */
export class ConsolePair implements AsyncDisposable {
  readonly directory = new RealDirectory();
  readonly alice = new ConsoleNode();
  readonly bob = new ConsoleNode();

  static async start(): Promise<ConsolePair> {
    const pair = new ConsolePair();
    await pair.directory.start();
    await pair.alice.begin(pair.directory.url, "alice");
    await pair.bob.begin(pair.directory.url, "bob");
    return pair;
  }

  /** Has them know each other. */
  async connect(): Promise<this> {
    const { alice, bob } = this;
    await alice.admin.connect(bob.id, 20_000);
    await alice.admin.decide("allow", { peer: bob.id, permission: "files" });
    for (const permission of ["message", "files"]) {
      await bob.admin.decide("allow", { peer: alice.id, permission });
    }
    await alice.ask("POST", "/peers/alias", { peer: bob.id, name: "Bob" });
    await bob.ask("POST", "/peers/alias", { peer: alice.id, name: "Alice" });
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of [this.alice, this.bob]) await node[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

/** Goes to a page of the console. */
export async function show(page: Page, node: ConsoleNode, place: string): Promise<void> {
  await page.goto(`${node.origin}/console/#/${place}`);
  await page.locator("main h1").first().waitFor();
}
