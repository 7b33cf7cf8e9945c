/**
 * What one side of a pair does with tokens, whoever brings its method: makes its own half, opens its peer's token.
 *
 * @module
 * @see docs/PROTOCOL.md, "Tokens"
 */
import { equalBytes, wipe } from "../primitives/bytes.ts";
import { Half } from "./half.ts";
import { type MaskedParts, reverseMasked, transformMasked } from "./masked_method.ts";
import { isBuiltInMethod, reverseTransform, transform } from "./methods.ts";
import { checkOf, type PairContext, type PairSecrets, rootOf, tokenInput } from "./tokens.ts";

type Role = "initiator" | "responder";

/**
 * Makes one side's half of a pair; the other side's token is not made. `secrets` stay the caller's to wipe.
 * @throws {CryptoError} `method_unknown`, `method_failed` for a module's method.
 */
export async function makeHalf(
  parts: MaskedParts,
  pair: PairContext,
  options: { readonly role: Role; readonly secrets: PairSecrets },
): Promise<Half> {
  const { role, secrets: { key, saltA, saltB } } = options;
  const { hashes } = parts;
  const root = rootOf(hashes, pair, key);
  const [salt, peerSalt] = role === "initiator" ? [saltA, saltB] : [saltB, saltA];
  const input = tokenInput(pair, { role, salt });
  let token: Uint8Array | null = null;
  try {
    token = isBuiltInMethod(pair.method)
      ? transform(hashes, input, root)
      : await transformMasked(parts, input, root);
    return Half.from({ ...pair, role }, { token, peerSalt, check: checkOf(hashes, pair, root) });
  } finally {
    wipe(root, token);
  }
}

/**
 * Opens the token that the peer showed for the pair of this half, which must not be wiped meanwhile.
 * @returns The 32-byte root, the caller's to wipe; `null` if the token is not the peer's of this pair.
 * @throws {CryptoError} `method_unknown`, `method_failed` for a module's method.
 */
export async function openPeerToken(
  parts: MaskedParts,
  half: Half,
  peerToken: Uint8Array,
): Promise<Uint8Array | null> {
  const { info, peerSalt, check } = half;
  const role = info.role === "initiator" ? "responder" : "initiator";
  const input = tokenInput(info, { role, salt: peerSalt });
  const root = isBuiltInMethod(info.method)
    ? reverseTransform(parts.hashes, input, peerToken)
    : await reverseMasked(parts, input, peerToken);
  if (equalBytes(checkOf(parts.hashes, info, root), check)) return root;
  wipe(root);
  return null;
}
