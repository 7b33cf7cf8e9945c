/**
 * The admin API's routes about invitations.
 *
 * @module
 */
import * as v from "valibot";
import { MAX_CONTACT_LINK_LENGTH } from "./contact_link.ts";

export const MAX_INVITATION_USES = 1_000;
export const MIN_INVITATION_MS = 60_000;
export const MAX_INVITATION_MS = 366 * 24 * 3_600_000;
export const DEFAULT_INVITATION_MS = 7 * 24 * 3_600_000;

/** `POST /admin/v1/invitations`; the answer is a {@linkcode NewInvitationView}. */
export const inviteInputSchema = v.strictObject({
  /** How many nodes it lets in. */
  uses: v.optional(
    v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(MAX_INVITATION_USES)),
    1,
  ),
  /** For how long, in milliseconds. */
  expires_ms: v.optional(
    v.pipe(
      v.number(),
      v.safeInteger(),
      v.minValue(MIN_INVITATION_MS),
      v.maxValue(MAX_INVITATION_MS),
    ),
    DEFAULT_INVITATION_MS,
  ),
  /** What whoever uses it is called here; only where it lets in one. */
  name: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(256))), null),
});

/** `POST /admin/v1/invitations/revoke`: an id, the beginning of one, a name, or the link itself. */
export const revokeInvitationInputSchema = v.strictObject({
  invitation: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_CONTACT_LINK_LENGTH)),
});

export type InvitationState = "open" | "used" | "expired" | "revoked";

export interface InvitationView {
  /** 11 characters; gives nothing away of the secret. */
  readonly invitation: string;
  readonly name: string | null;
  readonly state: InvitationState;
  readonly uses: number;
  /** Who used it, in order; `null` for somebody who was forgotten here. */
  readonly used_by: readonly {
    readonly peer: string | null;
    readonly petname: string | null;
    readonly used_at: number;
  }[];
  /** Milliseconds since the epoch. */
  readonly made_at: number;
  readonly expires_at: number;
}

/** The one answer that holds the secret: whoever has the link is let in. */
export interface NewInvitationView extends InvitationView {
  readonly link: string;
  /** The page of the first directory about this link, or `null` where the node is registered nowhere. */
  readonly page: string | null;
}

/** `GET /admin/v1/invitations`. */
export interface InvitationsView {
  readonly invitations: readonly InvitationView[];
}
