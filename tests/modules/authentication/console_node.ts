/**
 * A node with a console, and browsers before it.
 *
 * @module
 */
import type { NodeConfig } from "../../../peer/config.ts";
import type { NodePorts } from "../../../peer/node.ts";
import { TestNode } from "../../peer/test_node.ts";
import { CONSOLE, ConsoleBrowser } from "../../world/console_browser.ts";

export const PROXY = "https://node.example";

export class ConsoleNode implements AsyncDisposable {
  readonly test: TestNode;

  private constructor(test: TestNode) {
    this.test = test;
  }

  static async start(
    config: Partial<NodeConfig> = {},
    ports: Partial<NodePorts> = {},
  ): Promise<ConsoleNode> {
    const settings = { origin: CONSOLE, why: "", hasFailed: false, proxies: [PROXY] };
    return new ConsoleNode(await TestNode.start({ console: settings, ...config }, [], ports));
  }

  browser(origin = CONSOLE): ConsoleBrowser {
    return new ConsoleBrowser((request) => this.test.node.handleConsole(request), origin);
  }

  /** The secret of a new link. */
  async link(role = "owner"): Promise<string> {
    const { body } = await this.test.admin("POST", "/console/link", { role });
    return body.url.split("#link=")[1];
  }

  /** A browser that the terminal's link has let in. */
  async visit(role = "owner"): Promise<ConsoleBrowser> {
    const browser = this.browser();
    const { status } = await browser.post("/auth/v1/link", { secret: await this.link(role) });
    if (status !== 200) throw new Error(`The link was answered with ${status}`);
    return browser;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test[Symbol.asyncDispose]();
  }
}
