/**
 * A directory without limits, and valid requests to it.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { REGISTER_PATH, REQUEST_CONNECTION_PATH } from "../../protocol/directory_api.ts";
import type { HttpAnswer, HttpRequest } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { answerJson, type FakeNode } from "../directory/fake_nodes.ts";
import { DIRECTORY_URL, START_MS, TestDirectory } from "../directory/test_directory.ts";
import { recordPayload, signText, type TestIdentity, testIdentity } from "../protocol/signer.ts";
import { type Edit, editObject, editObjectText, flipText, NO_EDIT } from "./edits.ts";
import type { ServerWorld } from "./world.ts";
import { MemoryFiles } from "../world/memory_files.ts";

const IDENTITIES = 200;

interface Announced {
  readonly identity: TestIdentity;
  readonly noiseKey: unknown;
}

/** A directory that answers in this process, and nodes whose every URL answers as its record says. */
export class DirectoryWorld implements ServerWorld, AsyncDisposable {
  readonly origin = DIRECTORY_URL;
  readonly paths = [
    REGISTER_PATH,
    REQUEST_CONNECTION_PATH,
    "/api/v3/nodes/discover",
    "/api/v3/nodes/z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX",
    "/api/v3/relays",
    "/api/v3/health",
    "/metrics",
    "/openapi.json",
  ];
  readonly bodyPaths = [REGISTER_PATH, REQUEST_CONNECTION_PATH];
  readonly names = ["register", "succession", "proof", "introduction", "signature"];
  /**
   * A target may have registered a noise key of low order; two records under way may have been given one URL, where
   * one node alone answers.
   */
  readonly allowed = ["target_unreachable", "callback_failed"] as const;
  readonly #test: TestDirectory;
  readonly #files: MemoryFiles;
  readonly #identities: readonly TestIdentity[];
  readonly #announced = new Map<string, Announced>();
  #count = 0;

  private constructor(test: TestDirectory, files: MemoryFiles) {
    this.#test = test;
    this.#files = files;
    this.#identities = Array.from({ length: IDENTITIES }, (_, at) => testIdentity(at + 1));
    test.network.serve("https:", (request) => this.#answerCall(request));
  }

  static async start(): Promise<DirectoryWorld> {
    const files = new MemoryFiles();
    return new DirectoryWorld(await TestDirectory.start({ files }), files);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#test.stop();
  }

  get secrets(): readonly string[] {
    const secret = this.#files.content.get("node-secret")!;
    return [encodeBase64Url(secret), new TextDecoder("latin1").decode(secret)];
  }

  get logged(): readonly string[] {
    return this.#test.logged;
  }

  headersFor(): Record<string, string> {
    return {};
  }

  async handle(request: Request): Promise<Response> {
    return await this.#test.directory.handle(request, { address: "192.0.2.1" });
  }

  async build(
    { name, inner, outer }: { name: string; inner: Edit; outer: Edit },
  ): Promise<Request> {
    const at = ++this.#count;
    const identity = this.#identities[at % IDENTITIES]!;
    switch (name) {
      case "register":
        return this.#post(REGISTER_PATH, editObject({ record: this.#record(at, inner) }, outer));
      case "signature": {
        const record = flipText(this.#record(at, NO_EDIT), inner.at);
        return this.#post(REGISTER_PATH, editObject({ record }, outer));
      }
      case "succession": {
        const succession = this.#succession(identity, inner);
        const record = this.#record(at, NO_EDIT);
        return this.#post(REGISTER_PATH, editObject({ record, succession }, outer));
      }
      case "proof": {
        const body = editObject(
          { target: this.#target(at), record: this.#record(at, NO_EDIT) },
          outer,
        );
        return this.#introduction(identity, { body, proof: inner });
      }
      default: {
        const body = editObject(
          { target: this.#target(at), record: this.#record(at, inner) },
          outer,
        );
        return await Promise.resolve(this.#introduction(identity, { body, proof: NO_EDIT }));
      }
    }
  }

  async assertWorks(): Promise<void> {
    const [a, b] = [201, 202].map((seed) => {
      const node = this.#test.node(seed);
      this.#announced.set(node.apiUrl, node);
      return node;
    }) as [FakeNode, FakeNode];
    for (const node of [a, b]) assertEquals((await this.#test.registerNew(node)).status, 201);
    const { status, body } = await this.#test.connect(a, { target: b.id });
    assertEquals([status, body.delivered], [200, true]);
    assertEquals((await this.#test.get("/api/v3/health")).body.status, "ok");
  }

  #target(at: number): string {
    return this.#identities[(at * 7 + 1) % IDENTITIES]!.id;
  }

  #nowSec(): number {
    return Math.floor(START_MS / 1000);
  }

  /** A record of an identity, each with a `seq` and a URL of its own. */
  #record(at: number, edit: Edit): string {
    const identity = this.#identities[at % IDENTITIES]!;
    const seq = START_MS + Math.floor(at / IDENTITIES);
    const iat = Math.floor(seq / 1000);
    const api_url = `https://node.example/r/${at}`;
    const payload = recordPayload(identity, { seq, iat, exp: iat + 86_400, api_url });
    const text = editObjectText({ ...payload, alias: "label", unlisted: false }, edit);
    this.#announce(identity, text);
    return signText(identity, text, { typ: "openred-record+jwt" });
  }

  #announce(identity: TestIdentity, text: string): void {
    try {
      const { api_url, noise_key: noiseKey } = JSON.parse(text);
      if (typeof api_url === "string") this.#announced.set(api_url, { identity, noiseKey });
    } catch {
      // What is no JSON is never called.
    }
  }

  #succession(identity: TestIdentity, edit: Edit): string {
    const old = this.#identities[0]!.id;
    const payload = { v: 3, iss: identity.id, old, iat: this.#nowSec(), next: "A".repeat(43) };
    return signText(identity, editObjectText(payload, edit), { typ: "openred-succession+jwt" });
  }

  #introduction(
    identity: TestIdentity,
    options: { readonly body: Uint8Array<ArrayBuffer>; readonly proof: Edit },
  ): Request {
    const payload = {
      iss: identity.id,
      htm: "POST",
      htu: DIRECTORY_URL + REQUEST_CONNECTION_PATH,
      iat: this.#nowSec(),
      jti: createHash("sha256").update(String(this.#count)).digest().subarray(0, 16).toString(
        "base64url",
      ),
      bh: createHash("sha256").update(options.body).digest("base64url"),
    };
    const text = editObjectText(payload, options.proof);
    const proof = signText(identity, text, { typ: "openred-proof+jwt" });
    return this.#post(REQUEST_CONNECTION_PATH, options.body, { "openred-proof": proof });
  }

  #post(
    path: string,
    body: Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Request {
    return new Request(DIRECTORY_URL + path, { method: "POST", headers, body });
  }

  #answerCall(request: HttpRequest): HttpAnswer {
    if (request.url.endsWith("/tokens/receive")) return answerJson(200, { received: true });
    const url = new URL(request.url);
    const api_url = request.url.slice(0, request.url.lastIndexOf("/identity?"));
    const announced = this.#announced.get(api_url);
    if (announced === undefined) throw new OpenRedError("unreachable", "Nobody is there");
    const { identity, noiseKey } = announced;
    const statement = {
      v: 3,
      iss: identity.id,
      aud: url.searchParams.get("directory"),
      nonce: url.searchParams.get("nonce"),
      api_url,
      noise_key: noiseKey,
      iat: this.#nowSec(),
    };
    const signed = signText(identity, statement, { typ: "openred-identity+jwt" });
    return answerJson(200, { record: signed, identity: signed });
  }
}
