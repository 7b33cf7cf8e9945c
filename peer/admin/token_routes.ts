/**
 * The admin API's routes about tokens.
 *
 * @module
 */
import { renewInputSchema, revokeInputSchema } from "../../protocol/token_api.ts";
import { stepUpIf } from "./caller.ts";
import type { AddPost } from "./peer_routes.ts";
import type { TokenDesk } from "./token_desk.ts";

/** Adds the routes that change something. */
export function addTokenRoutes(post: AddPost, desk: TokenDesk): void {
  post(
    "/tokens/renew",
    renewInputSchema,
    ({ peer, wait_ms }, gone) => desk.renew(peer, wait_ms, gone),
    { stepUp: ({ peer }) => stepUpIf(desk.isRevoked(peer)) },
  );
  post("/tokens/revoke", revokeInputSchema, ({ target }) => desk.revoke(target), {
    stepUp: "recent",
  });
}
