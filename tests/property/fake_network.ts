/**
 * A directory and peers as one crypto core plays them: whatever they sign or seal holds, whatever it says.
 *
 * @module
 */
import { LocalCryptoCore } from "../../crypto/core.ts";
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import type { CryptoCore, KeyRef, OpenedKeystore } from "../../crypto/interface.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { answerJson } from "../directory/fake_nodes.ts";
import { type Edit, editObjectText, NO_EDIT } from "./edits.ts";
import { CHEAP_COST } from "../world/cores.ts";

export const FAKE_DIRECTORY_URL = "https://directory.example";
/** What the core signs at most. */
const MAX_PAYLOAD_LENGTH = 32_768;

/** Somebody whose keys a test holds. */
export interface FakeParty {
  readonly id: string;
  readonly url: string;
  readonly keys: OpenedKeystore;
  readonly noiseKey: KeyRef;
  readonly noisePublic: Uint8Array;
}

/** A pair that was issued to a fake peer and a node. */
export interface FakePair {
  readonly pairId: Uint8Array;
  readonly half: KeyRef;
  readonly statement: Record<string, unknown>;
}

/** The world around one node. */
export class FakeNetwork implements HttpClient {
  readonly core: CryptoCore;
  readonly directory: FakeParty;
  /** Takes what a node posts to a fake peer. */
  onMessage: (peerUrl: string, data: string) => void = () => {};
  #lastSeq = 0;
  #changedRecords = 0;

  private constructor(core: CryptoCore, directory: FakeParty) {
    this.core = core;
    this.directory = directory;
  }

  static async create(): Promise<FakeNetwork> {
    const core = await LocalCryptoCore.create();
    return new FakeNetwork(core, await createParty(core, FAKE_DIRECTORY_URL));
  }

  createPeer(name: string): Promise<FakeParty> {
    return createParty(this.core, `https://${name}.example`);
  }

  /** How many records the directory has signed with something changed in them. */
  get changedRecords(): number {
    return this.#changedRecords;
  }

  /** A record signed now, newer than every one before it. */
  record(party: FakeParty, edit: Edit): Promise<string> {
    const seq = Math.max(Date.now(), this.#lastSeq + 1);
    this.#lastSeq = seq;
    const iat = Math.floor(seq / 1000);
    const isDirectory = party === this.directory;
    if (isDirectory && edit.kind !== "none") this.#changedRecords += 1;
    const payload = {
      v: 3,
      iss: party.id,
      seq,
      iat,
      exp: iat + 86_400,
      api_url: party.url,
      noise_key: encodeBase64Url(party.noisePublic),
      suites: isDirectory ? [] : ["ik-x25519-mlkem768", "ik-x25519"],
      methods: ["alpha", "beta", "gamma", "delta"],
      services: [isDirectory ? "directory" : "messaging"],
    };
    return this.sign(party, { typ: "openred-record+jwt", payload, edit });
  }

  sign(
    party: FakeParty,
    options: { typ: "openred-record+jwt" | "openred-pair+jwt"; payload: object; edit: Edit },
  ): Promise<string> {
    const { typ, payload, edit } = options;
    return this.core.signJws({
      key: party.keys.identity,
      typ,
      payload: editObjectText(payload, edit).slice(0, MAX_PAYLOAD_LENGTH),
    });
  }

  /** Issues a pair to a peer, its initiator, and a node. */
  async issue(
    peer: FakeParty,
    options: { record: string; node: { id: string; noiseKey: Uint8Array; record: string } },
  ): Promise<FakePair> {
    const { core, directory } = this;
    const issuedAt = Date.now();
    const expiresAt = issuedAt + 300_000;
    const { pairId, noiseA, noiseB } = await core.issuePair({
      noiseKey: directory.noiseKey,
      issuer: directory.id,
      method: "alpha",
      epoch: Math.floor(issuedAt / 3_600_000),
      issuedAt,
      expiresAt,
      a: { id: peer.id, noiseKey: peer.noisePublic, record: options.record },
      b: options.node,
    });
    const { half } = await core.openEnvelope({
      noiseKeys: [peer.noiseKey],
      directoryNoiseKey: directory.noisePublic,
      directoryId: directory.id,
      nodeId: peer.id,
      pairId,
      noise: noiseA,
    });
    const statement = {
      v: 3,
      iss: directory.id,
      aud: options.node.id,
      pair_id: encodeBase64Url(pairId),
      iat: Math.floor(issuedAt / 1000),
      exp: Math.floor(expiresAt / 1000),
      noise: encodeBase64Url(noiseB),
    };
    return { pairId, half, statement };
  }

  request(request: HttpRequest): Promise<HttpAnswer> {
    const { url } = request;
    if (!url.startsWith(`${FAKE_DIRECTORY_URL}/`)) return this.#answerAsPeer(request);
    if (url.endsWith("/register")) return this.#answerRegister();
    if (url.includes("/discover")) return answered(200, { nodes: [], next_cursor: null });
    return answered(404, { code: "node_unknown" });
  }

  openChannel(): never {
    throw new OpenRedError("unreachable", "Fake peers take no channel");
  }

  #answerAsPeer(request: HttpRequest): Promise<HttpAnswer> {
    if (!request.url.endsWith("/p2p/message")) return answered(403, { code: "handshake_rejected" });
    const { data } = JSON.parse(new TextDecoder().decode(request.body));
    this.onMessage(request.url.replace("/p2p/message", ""), data);
    return answered(200, { received: true });
  }

  async #answerRegister(): Promise<HttpAnswer> {
    const { directory } = this;
    return answerJson(201, {
      node_id: directory.id,
      status: "active",
      lease_ms: 3_600_000,
      reannounce_after_ms: 1_800_000,
      directory_id: directory.id,
      directory_noise_key: encodeBase64Url(directory.noisePublic),
      directory: await this.record(directory, NO_EDIT),
    });
  }
}

function answered(status: number, content: unknown): Promise<HttpAnswer> {
  return Promise.resolve(answerJson(status, content));
}

async function createParty(core: CryptoCore, url: string): Promise<FakeParty> {
  const secret = () => encodeUtf8(url);
  const { sealed } = await core.createKeystore({ secret: secret(), cost: CHEAP_COST });
  const keys = await core.openKeystore({ sealed, secret: secret() });
  const [newest] = keys.noiseKeys;
  if (newest === undefined) throw new TypeError("A new keystore holds no noise key");
  return { id: keys.nodeId, url, keys, noiseKey: newest.key, noisePublic: newest.publicKey };
}
