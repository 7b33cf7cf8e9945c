/**
 * Invitations: how two nodes show each other in a session that they hold one secret (docs/PROTOCOL.md, "Invitations").
 *
 * @module
 */
import * as v from "valibot";
import { enc, type NodeId } from "../crypto/encoding.ts";
import type { ErrorCode } from "./errors.ts";
import { frameHeaderSchema } from "./frames.ts";
import { bytesSchema } from "./schemas.ts";
import { isMac, MAC_BYTES, makeMac, secretIdSchema } from "./shown_secret.ts";

const LABEL = "openred/v3/invitation";

/** Why an invitation lets nobody in. */
export const INVITATION_REFUSALS = [
  "invitation_unknown",
  "invitation_used",
  "invitation_expired",
  "invitation_revoked",
] as const satisfies readonly ErrorCode[];

export type InvitationRefusal = typeof INVITATION_REFUSALS[number];

/** `core.invitation`: the invitee shows that it holds the secret. */
export const invitationHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  invitation: secretIdSchema,
  mac: bytesSchema(MAC_BYTES),
});

/** `core.invited`: the inviter shows the same, or why it lets nobody in. */
export const invitedHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  invitation: secretIdSchema,
  mac: v.optional(bytesSchema(MAC_BYTES)),
  error: v.optional(v.pipe(v.string(), v.maxLength(64))),
});

/** Who shows it to whom, and where. */
export interface InvitationScene {
  readonly role: "inviter" | "invitee";
  readonly inviter: NodeId;
  readonly invitee: NodeId;
  /** The 32 bytes that both ends of a session know, and nobody else. */
  readonly binding: Uint8Array;
}

function shown({ role, inviter, invitee, binding }: InvitationScene): Uint8Array<ArrayBuffer> {
  return enc(LABEL, role, inviter, invitee, binding);
}

/** @param secret 16 bytes. @returns HMAC-SHA256 under it: 32 bytes. */
export async function makeInvitationMac(
  secret: Uint8Array<ArrayBuffer>,
  scene: InvitationScene,
): Promise<Uint8Array> {
  return await makeMac(secret, shown(scene));
}

/** Whether a MAC was made with this secret for this scene. Takes the same time for every wrong one. */
export async function isInvitationMac(
  secret: Uint8Array<ArrayBuffer>,
  { mac, ...scene }: InvitationScene & { readonly mac: Uint8Array },
): Promise<boolean> {
  return await isMac(secret, { mac, content: shown(scene) });
}

/** Reads why a peer refused; what this node does not know is as good as unknown. */
export function readRefusal(error: string | undefined): InvitationRefusal {
  return INVITATION_REFUSALS.find((code) => code === error) ?? "invitation_unknown";
}
