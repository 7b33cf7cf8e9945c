/**
 * How an owner enrols and shows factors, in the tests.
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import type { ConsoleAnswer, ConsoleBrowser } from "../../world/console_browser.ts";
import { codeOf } from "./authenticator_app.ts";
import type { ConsoleNode } from "./console_node.ts";

export const PASSWORD = "correct horse battery";

/** SHA-256 of what a browser is going to send, base64url. */
export async function hashOf(content: unknown): Promise<string> {
  const bytes = encodeUtf8(JSON.stringify(content)).slice();
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** Shows a factor for one request, then makes it. */
export async function steppedUp(
  browser: ConsoleBrowser,
  factor: Record<string, unknown>,
  { path, content = {} }: { readonly path: string; readonly content?: unknown },
): Promise<ConsoleAnswer> {
  const action = `POST ${path}`;
  const body_sha256 = await hashOf(content);
  const answer = await browser.post("/auth/v1/step-up", { factor, action, body_sha256 });
  return answer.status === 200 ? await browser.post(path, content) : answer;
}

/** An owner with an app. */
export class OwnerApp {
  readonly #node: ConsoleNode;
  readonly secret: string;

  constructor(node: ConsoleNode, secret: string) {
    this.#node = node;
    this.secret = secret;
  }

  /** Enrols an app in a session that a link has just begun. */
  static async enrol(node: ConsoleNode, browser: ConsoleBrowser): Promise<OwnerApp> {
    const begun = await browser.post("/auth/v1/factors/totp/begin", { name: "phone" });
    const app = new OwnerApp(node, begun.body.secret);
    const { status } = await browser.post("/auth/v1/factors/totp", { code: await app.code() });
    if (status !== 200) throw new Error(`The app was answered with ${status}`);
    return app;
  }

  code(): Promise<string> {
    return codeOf(this.secret, this.#node.test.clock.nowMs());
  }

  /** A code that was not used yet. */
  async fresh(): Promise<string> {
    await this.#node.test.clock.advance(30_000);
    return await this.code();
  }
}
