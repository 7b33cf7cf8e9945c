/**
 * People with keys of their own, and what they sign in a group, made with the core's own signatures.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  encodeBase64Url,
  encodeNodeId,
  encodeUtf8,
  type NodeId,
} from "../../../../../crypto/encoding.ts";
import { CryptoError, type JwsType } from "../../../../../crypto/interface.ts";
import { SigningKey, Verifier } from "../../../../../crypto/primitives/curves.ts";
import { signJws, verifyJws } from "../../../../../crypto/primitives/jws.ts";
import type { ModuleSignatures } from "../../../../../modules/api.ts";
import { Chain } from "../../../../../modules/messaging/groups/core/chain.ts";
import {
  type Membership,
  type MembershipDraft,
  signMembership,
} from "../../../../../modules/messaging/groups/core/memberships.ts";
import {
  contentHash,
  type GroupMessage,
  type MessageDraft,
  signMessage,
} from "../../../../../modules/messaging/groups/core/messages.ts";
import {
  type Added,
  signStatement,
  type Statement,
  type StatementDraft,
} from "../../../../../modules/messaging/groups/core/statements.ts";
import { OpenRedError } from "../../../../../protocol/errors.ts";

const verifier = new Verifier();

function sha256(data: Uint8Array | string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(data).digest());
}

/** The part of a module's signatures that groups use. */
export function signaturesOf(key: SigningKey): ModuleSignatures {
  const iss = encodeNodeId(key.publicKey);
  return {
    sign: (typ, payload) =>
      Promise.resolve(
        signJws({ key, typ, payload: JSON.stringify({ v: 3, iss, ...payload }) }),
      ),
    verify: (typ, text) => {
      try {
        const { iss, payload } = verifyJws({ text, typ, verify: verifier.verify.bind(verifier) });
        const hash = encodeBase64Url(sha256(text.slice(0, text.lastIndexOf("."))));
        return Promise.resolve({ iss: iss as NodeId, payload: JSON.parse(payload), hash });
      } catch (cause) {
        if (!(cause instanceof CryptoError)) throw cause;
        return Promise.reject(new OpenRedError("bad_signature", "The signature does not hold"));
      }
    },
    sha256: (data) => Promise.resolve(sha256(data)),
    ownSuccessions: [],
    nextOf: () => null,
  };
}

/** Somebody with a key; the successor of seed n has seed n + 100. */
export class Person {
  readonly id: NodeId;
  readonly next: string;
  readonly signatures: ModuleSignatures;
  readonly #seed: number;
  readonly #key: SigningKey;

  constructor(seed: number) {
    this.#seed = seed;
    this.#key = keyOf(seed);
    this.id = encodeNodeId(this.#key.publicKey);
    this.next = encodeBase64Url(sha256(keyOf(seed + 100).publicKey));
    this.signatures = signaturesOf(this.#key);
  }

  get added(): Added {
    return { id: this.id, next: this.next };
  }

  /** Whoever was pinned to follow, with what shows it. */
  succeed(): { next: Person; succession: string } {
    const next = new Person(this.#seed + 100);
    return { next, succession: next.succession(this.id) };
  }

  succession(old: NodeId, pinned = this.next): string {
    const payload = JSON.stringify({ v: 3, iss: this.id, old, iat: 1, next: pinned });
    return signJws({ key: this.#key, typ: "openred-succession+jwt", payload });
  }

  /** Any text under a type, to see what is made of it. */
  signed(typ: JwsType, payload: object): string {
    const json = JSON.stringify({ v: 3, iss: this.id, ...payload });
    return signJws({ key: this.#key, typ, payload: json });
  }

  state(draft: Omit<StatementDraft, "iat">): Promise<Statement> {
    return signStatement(this.signatures, { iat: 1, ...draft });
  }

  belong(draft: Omit<MembershipDraft, "iat">): Promise<Membership> {
    return signMembership(this.signatures, { iat: 1, ...draft });
  }

  async write(
    draft: Partial<MessageDraft> & Pick<MessageDraft, "group" | "stm" | "n">,
    body = "hi",
  ): Promise<GroupMessage> {
    const salt = new Uint8Array(16).fill(9);
    const content = await contentHash(this.signatures, { salt, body: encodeUtf8(body) });
    const prev = draft.n === 1 ? null : "A".repeat(43);
    const own = { run: RUN, prev, type: "text", sentAt: 1_000, after: [], content };
    return await signMessage(this.signatures, { ...own, ...draft });
  }
}

/** Ids that nobody signs with. */
export function strangers(count: number): Added[] {
  return Array.from({ length: count }, (_, at) => ({
    id: encodeNodeId(sha256(`stranger ${at}`)),
    next: null,
  }));
}

function keyOf(seed: number): SigningKey {
  return SigningKey.fromSeed(new Uint8Array(32).fill(seed));
}

export const RUN = encodeBase64Url(new Uint8Array(8).fill(1));
export const OTHER_RUN = encodeBase64Url(new Uint8Array(8).fill(2));
const NONCE = encodeBase64Url(new Uint8Array(16).fill(3));

/** A group with these people, the first of whom founds it. */
export async function found(...people: readonly Person[]): Promise<Statement> {
  const add = people.map(({ added }) => added);
  return await people[0]!.state({ after: null, nonce: NONCE, name: "Choir", add });
}

/** All of these in any order, by somebody who begins with the first statement. */
export function chainOf(statements: readonly Statement[]): Chain {
  const first = statements.find(({ n }) => n === 0)!;
  const chain = Chain.begin(first)!;
  for (const statement of statements) chain.take(statement);
  return chain;
}
