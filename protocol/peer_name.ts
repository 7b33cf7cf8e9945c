/**
 * How the operator of a node names peers: by id, by a name of their own, or by a contact link.
 *
 * @module
 */
import * as v from "valibot";
import { isNodeId, type NodeId } from "../crypto/encoding.ts";
import {
  type ContactLink,
  isContactLink,
  MAX_CONTACT_LINK_LENGTH,
  parseContactLink,
} from "./contact_link.ts";
import { hasUnfitInvisibles, withoutJoiners } from "./invisibles.ts";

const MAX_PETNAME_LENGTH = 64;

/** What no two systems draw alike: private and unassigned characters. */
const UNDRAWN = /\p{Co}|\p{Cn}/u;

/** A permission, such as `message`. */
export const permissionSchema = v.pipe(v.string(), v.regex(/^[a-z0-9_]{1,32}$/));

/** A group of peers. */
export const groupNameSchema = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9_-]{0,31}$/));

/** What stands for a peer in an input. */
export const peerRefSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(MAX_CONTACT_LINK_LENGTH),
);

/** Who is meant. An id wins over a name; no name looks like an id or a link. */
export type PeerRef =
  | { readonly kind: "id"; readonly id: NodeId }
  | { readonly kind: "link"; readonly link: ContactLink }
  | { readonly kind: "petname"; readonly name: string };

/**
 * Reads a name that its owner gives to a peer: 1 to 64 characters, of which none can turn or hide what stands beside
 * it. Joiners between letters that need them or emoji, and the selector after an emoji, are part of a name.
 * @returns The name in Unicode's composed form.
 * @throws {RangeError}
 */
export function parsePetname(text: string): string {
  const name = text.normalize("NFC");
  if (name === "" || name.length > MAX_PETNAME_LENGTH) {
    throw new RangeError(`expected a name of 1 to ${MAX_PETNAME_LENGTH} characters`);
  }
  if (hasUnfitInvisibles(name) || UNDRAWN.test(name) || /^\p{M}/u.test(name)) {
    throw new RangeError("expected a name without control, direction or invisible characters");
  }
  if (name.trim() !== name || /[^\S ]| {2}/u.test(name)) {
    throw new RangeError("expected a name with single blanks, and only inside");
  }
  if (name.startsWith("-") || isContactLink(name) || isNodeId(unwrapped(name))) {
    throw new RangeError("expected a name that is no option, no node id and no contact link");
  }
  return name;
}

/** What stands around an id or a link that was copied out of a mail or a chat: blanks, what is not seen, punctuation. */
function unwrapped(text: string): string {
  const around = String.raw`[\s\p{Cf}\p{Cc}<>"'\u2018-\u201f\u00ab\u00bb\x60()\[\]{}.,;:!*]*`;
  return text.replace(new RegExp(`^${around}|${around}$`, "gu"), "");
}

/** The form in which two petnames are compared: without case and joiners, compatible characters alike. */
export function foldPetname(name: string): string {
  return withoutJoiners(name).normalize("NFKC").toLowerCase().normalize("NFKC");
}

/**
 * Reads whom a word means.
 * @throws {RangeError} Whose message says what was expected.
 */
export function parsePeerRef(text: string): PeerRef {
  const bare = unwrapped(text);
  if (isNodeId(bare)) return { kind: "id", id: bare };
  if (isContactLink(bare)) return { kind: "link", link: parseContactLink(bare) };
  return { kind: "petname", name: parsePetname(text) };
}
