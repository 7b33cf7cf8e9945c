/**
 * What built-in modules sign in the node's name, and read of what others have signed.
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore, JwsType, KeyRef } from "../../crypto/interface.ts";
import type { ModuleSignatures, SignedType } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { unverifiedPayload, verifySignature } from "../../protocol/jws.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import { successionsOf } from "../own/own_succession.ts";
import { SELF_NAMES } from "../own/self_names.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { NodeStore } from "../store/store.ts";

/** A record, a proof or a succession signed by a module would be one of the node. */
const SIGNED: readonly JwsType[] = [
  "openred-group+jwt",
  "openred-group-member+jwt",
  "openred-group-message+jwt",
  "openred-auth+jwt",
] satisfies readonly SignedType[];

const VERIFIED: readonly JwsType[] = [...SIGNED, "openred-succession+jwt"];

interface Parts {
  readonly own: { readonly id: NodeId };
  readonly crypto: CryptoCore;
  /** The identity key. */
  readonly identity: KeyRef;
  readonly store: NodeStore;
  readonly book: PeerBook;
}

/** Makes the signatures of a module's context. */
export function createSignatures(parts: Parts): ModuleSignatures {
  const { own, crypto, identity: key, store, book } = parts;
  return {
    sign: async (typ, payload) => {
      need(SIGNED, typ);
      const signed = { v: PROTOCOL_VERSION, iss: own.id, ...payload };
      if (signed.iss !== own.id) throw notSigned("This is not the id of the node");
      return await crypto.signJws({ key, typ, payload: JSON.stringify(signed) });
    },
    verify: async (typ, text) => {
      need(VERIFIED, typ);
      await verifySignature(crypto, { text, typ });
      const payload = unverifiedPayload(text) as Record<string, unknown>;
      const input = encodeUtf8(text.slice(0, text.lastIndexOf(".")));
      const hash = encodeBase64Url(await crypto.sha256(input));
      return { iss: payload.iss as NodeId, payload, hash };
    },
    sha256: (data) => crypto.sha256(data),
    ownSuccessions: successionsOf(store),
    nextOf: (id) => {
      if (id === own.id) return store.self(SELF_NAMES.next);
      const next = book.get(id)?.next ?? null;
      return next === null ? null : encodeBase64Url(next);
    },
  };
}

function need(types: readonly JwsType[], typ: JwsType): void {
  if (!types.includes(typ)) throw notSigned("Modules have no signatures of this type");
}

function notSigned(text: string): OpenRedError {
  return new OpenRedError("forbidden", text);
}
