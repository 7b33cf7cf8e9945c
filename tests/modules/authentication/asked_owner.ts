/**
 * The owner of a real node, whom peers ask for factors.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { ChallengesView, ChallengeView } from "../../../protocol/auth_challenge.ts";
import { ConsoleBrowser } from "../../world/console_browser.ts";
import type { LoopbackNode } from "../../world/loopback_node.ts";
import { until } from "../../world/until.ts";
import { codeOf } from "./authenticator_app.ts";

/** With it a node has a console, at which its owner enrols. */
export const CONSOLE = { origin: "http://localhost:7610", why: "", hasFailed: false, proxies: [] };

/** Has an app, and answers at the terminal. */
export class AskedOwner {
  readonly #node: LoopbackNode;
  readonly #secret: string;
  #step = 0;

  constructor(node: LoopbackNode, secret: string) {
    this.#node = node;
    this.#secret = secret;
  }

  static async enrol(node: LoopbackNode): Promise<AskedOwner> {
    const browser = new ConsoleBrowser((request) => node.node.handleConsole(request));
    const { url } = await node.ask("POST", "/console/link", {});
    await browser.post("/auth/v1/link", { secret: url.split("#link=")[1] });
    const { body } = await browser.post("/auth/v1/factors/totp/begin", { name: "phone" });
    const owner = new AskedOwner(node, body.secret);
    const code = await owner.#code();
    assertEquals((await browser.post("/auth/v1/factors/totp", { code })).status, 200);
    return owner;
  }

  /** One of the three that are good now, each once: the step before, this one, the next one. */
  async #code(): Promise<string> {
    const stepMs = [-30_000, 0, 30_000][this.#step];
    this.#step += 1;
    return await codeOf(this.#secret, Date.now() + stepMs!);
  }

  /** Waits until the owner is asked. */
  async asked(): Promise<ChallengeView> {
    const path = "/m/authentication/challenges";
    const view = async () => (await this.#node.ask<ChallengesView>("GET", path)).challenges;
    await until(async () => (await view()).length === 1, "the owner is asked");
    return (await view())[0]!;
  }

  async answer(id: number, approve: boolean): Promise<void> {
    const factor = approve ? { factor: { totp: await this.#code() } } : {};
    const answer = { id, approve, ...factor };
    await this.#node.ask("POST", "/m/authentication/challenges/answer", answer);
  }
}
