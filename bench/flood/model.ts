/**
 * Identities that cost nothing, brought to a directory by the ten thousand: what of them is stored, on a virtual clock.
 *
 * @module
 */
import { generateKeyPairSync } from "node:crypto";
import { encodeNodeId, type NodeId } from "../../crypto/encoding.ts";
import type { DirectoryLimits } from "../../directory/config.ts";
import type { HttpAnswer, HttpRequest } from "../../ports/ports.ts";
import { answerJson } from "../../tests/directory/fake_nodes.ts";
import { TestDirectory } from "../../tests/directory/test_directory.ts";
import { recordPayload, signText, type TestIdentity } from "../../tests/protocol/signer.ts";

/** As fast as one address may ask by default. */
const BETWEEN_MS = 50;
const NOISE_KEY = "CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/** What the ids have in common: the host of their URLs, the /64 they come from, or nothing. */
export type FloodKind = "host" | "address" | "nothing";

export interface Flood {
  readonly kind: FloodKind;
  readonly ids: number;
  readonly limits: Partial<DirectoryLimits>;
}

export interface Flooded {
  readonly stored: number;
  /** Refusals by their status and code. */
  readonly refused: ReadonlyMap<string, number>;
  /** Whether a node that was there before is served as before. */
  readonly isFriendServed: boolean;
  readonly logged: readonly string[];
  readonly metrics: string;
}

function makeIdentity(): TestIdentity {
  const { publicKey: key, privateKey } = generateKeyPairSync("ed25519");
  const publicKey = new Uint8Array(key.export({ format: "der", type: "spki" }).subarray(-32));
  return { id: encodeNodeId(publicKey), publicKey, privateKey };
}

/** Answers for whichever of them was asked for last. */
class Farm {
  readonly #directory: TestDirectory;
  #record = "";
  #identity: TestIdentity | null = null;
  #apiUrl = "";

  constructor(directory: TestDirectory) {
    this.#directory = directory;
    directory.network.serve("https:/", (request) => this.#answer(request));
  }

  /** A record of a new id. */
  next(apiUrl: string): { readonly id: NodeId; readonly record: string } {
    const identity = makeIdentity();
    const seq = this.#directory.clock.nowMs();
    const iat = Math.floor(seq / 1000);
    const times = { seq, iat, exp: iat + 86_400 };
    const payload = recordPayload(identity, { ...times, api_url: apiUrl, noise_key: NOISE_KEY });
    this.#identity = identity;
    this.#apiUrl = apiUrl;
    this.#record = signText(identity, payload, { typ: "openred-record+jwt" });
    return { id: identity.id, record: this.#record };
  }

  #answer({ url }: HttpRequest): HttpAnswer {
    const asked = new URL(url).searchParams;
    const statement = {
      v: 3,
      iss: this.#identity!.id,
      aud: asked.get("directory"),
      nonce: asked.get("nonce"),
      api_url: this.#apiUrl,
      noise_key: NOISE_KEY,
      iat: Math.floor(this.#directory.clock.nowMs() / 1000),
    };
    const identity = signText(this.#identity!, statement, { typ: "openred-identity+jwt" });
    return answerJson(200, { record: this.#record, identity });
  }
}

function hexGroup(number: number): string {
  return number.toString(16);
}

/** Brings so many ids to a directory which has one node already. */
export async function flood({ kind, ids, limits }: Flood): Promise<Flooded> {
  await using test = await TestDirectory.start({ limits });
  const friend = test.node(1);
  const isHere = async () => (await test.registerNew(friend)).status === 201;
  if (!await isHere()) throw new Error("The directory takes nobody");
  const farm = new Farm(test);
  const refused = new Map<string, number>();
  let lastStored = friend.id;
  for (let at = 0; at < ids; at++) {
    test.clock.advance(BETWEEN_MS);
    const host = kind === "host" ? "farm.example" : `farm-${at}.example`;
    const { id, record } = farm.next(`https://${host}/n/${at}`);
    const own = `2001:db8:${hexGroup(at >> 16)}:${hexGroup(at & 0xffff)}::1`;
    const address = kind === "address" ? `2001:db8:0:1::${hexGroup(at & 0xffff)}` : own;
    const { status, body } = await test.register(record, {}, address);
    test.network.requests.length = 0;
    if (status === 201) {
      lastStored = id;
      continue;
    }
    const why = `${status} ${body.code}`;
    refused.set(why, (refused.get(why) ?? 0) + 1);
  }
  test.clock.advance(60_000);
  const isFound = async (id: NodeId) => (await test.get(`/api/v3/nodes/${id}`)).status === 200;
  return {
    stored: await test.store.countStored(),
    refused,
    isFriendServed: await isHere() && await isFound(friend.id) && await isFound(lastStored),
    logged: test.logged,
    metrics: (await test.get("/metrics")).body,
  };
}
