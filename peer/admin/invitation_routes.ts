/**
 * The admin API's routes about invitations.
 *
 * @module
 */
import { inviteInputSchema, revokeInvitationInputSchema } from "../../protocol/invitation_api.ts";
import type { InvitationDesk } from "./invitation_desk.ts";
import { type AddPost, WIDENS } from "./peer_routes.ts";

/** Adds the routes that change something; `/invitations` itself is made by POST and listed by GET. */
export function addInvitationRoutes(post: AddPost, desk: InvitationDesk): void {
  post("/invitations", inviteInputSchema, (input) => desk.make(input), WIDENS);
  post(
    "/invitations/revoke",
    revokeInvitationInputSchema,
    ({ invitation }) => desk.revoke(invitation),
  );
}
