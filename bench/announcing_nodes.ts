/**
 * Many nodes as a directory sees them: identities that sign records, and one server that answers its callbacks.
 *
 * @module
 */
import { encodeBase64Url } from "../crypto/encoding.ts";
import { CRYPTO_METHODS, SUITES } from "../crypto/interface.ts";
import type { CryptoCore } from "../crypto/interface.ts";
import { type CoreNode, createCoreNode } from "./two_nodes.ts";

const DAY_S = 86_400;

/** One node: what it signs, and the last number it signed with. */
interface Announcer {
  readonly node: CoreNode;
  readonly apiUrl: string;
  seq: number;
}

/** Nodes behind one address. */
export class AnnouncingNodes implements AsyncDisposable {
  readonly #announcers: readonly Announcer[];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(announcers: readonly Announcer[], server: Deno.HttpServer<Deno.NetAddr>) {
    this.#announcers = announcers;
    this.#server = server;
  }

  /** Makes `count` identities in `core` and serves their `/identity`. */
  static async create(core: CryptoCore, count: number): Promise<AnnouncingNodes> {
    const announcers: Announcer[] = [];
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => answerCallback(request, announcers),
    );
    const seq = Date.now() - 60_000;
    for (let i = 0; i < count; i++) {
      const apiUrl = `http://127.0.0.1:${server.addr.port}/n/${i}`;
      announcers.push({ node: await createCoreNode(core), apiUrl, seq });
    }
    return new AnnouncingNodes(announcers, server);
  }

  get ids(): readonly string[] {
    return this.#announcers.map(({ node }) => node.id);
  }

  /** Signs the next record of the node with this number; each has a higher `seq`. */
  sign(number: number): Promise<string> {
    return signRecord(this.#announcers[number]!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function signRecord(announcer: Announcer): Promise<string> {
  announcer.seq += 1;
  const { node, apiUrl, seq } = announcer;
  const iat = Math.floor(seq / 1_000);
  const payload = {
    v: 3,
    iss: node.id,
    seq,
    iat,
    exp: iat + DAY_S,
    api_url: apiUrl,
    noise_key: encodeBase64Url(node.noisePublic),
    suites: SUITES,
    methods: CRYPTO_METHODS,
    services: ["messaging"],
  };
  return node.core.signJws({
    key: node.identity,
    typ: "openred-record+jwt",
    payload: JSON.stringify(payload),
  });
}

async function answerCallback(
  request: Request,
  announcers: readonly Announcer[],
): Promise<Response> {
  const url = new URL(request.url);
  const announcer = announcers[Number(url.pathname.split("/")[2])];
  if (announcer === undefined) return new Response(null, { status: 404 });
  const { node, apiUrl } = announcer;
  const payload = {
    v: 3,
    iss: node.id,
    aud: url.searchParams.get("directory"),
    nonce: url.searchParams.get("nonce"),
    api_url: apiUrl,
    noise_key: encodeBase64Url(node.noisePublic),
    iat: Math.floor(Date.now() / 1_000),
  };
  const identity = await node.core.signJws({
    key: node.identity,
    typ: "openred-identity+jwt",
    payload: JSON.stringify(payload),
  });
  return Response.json({ record: await signRecord(announcer), identity });
}
