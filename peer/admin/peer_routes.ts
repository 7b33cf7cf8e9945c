/**
 * The admin API's routes about peers and groups.
 *
 * @module
 */
import type * as v from "valibot";
import {
  acceptInputSchema,
  aliasInputSchema,
  decisionInputSchema,
  groupDecisionInputSchema,
  groupInputSchema,
  groupMemberInputSchema,
  groupPermissionInputSchema,
  peerInputSchema,
  resetInputSchema,
} from "../../protocol/admin_api.ts";
import type { StepUp } from "../../protocol/sign_in_api.ts";
import type { RouteAccess } from "../../modules/api.ts";
import type { Contacts } from "./contacts.ts";
import type { RequestDesk } from "./request_desk.ts";

/** What a route takes, and of whom. */
export interface RouteLimits<Input = unknown> extends Omit<RouteAccess, "stepUp"> {
  readonly maxBytes?: number;
  /** The factor that has to be shown first, perhaps by what is asked; none unless it says so. */
  readonly stepUp?: StepUp | ((input: Input) => StepUp | null);
}

/** A peer, or more than before, may do something then. */
export const WIDENS: RouteLimits = { stepUp: "recent" };

/** Has a route answer POSTs whose body is of a schema; `gone` fires when nobody waits for the answer. */
export type AddPost = <const S extends v.GenericSchema>(
  path: string,
  schema: S,
  handler: (input: v.InferOutput<S>, gone: AbortSignal) => Promise<unknown>,
  limits?: RouteLimits<v.InferOutput<S>>,
) => void;

/** Adds the routes that change something. */
export function addPeerRoutes(post: AddPost, contacts: Contacts): void {
  post(
    "/peers/show",
    peerInputSchema,
    ({ peer }) => Promise.resolve(contacts.show(contacts.resolve(peer))),
    { role: "viewer" },
  );
  post(
    "/peers/allow",
    decisionInputSchema,
    ({ peer, permission: name, force }) => contacts.decide(peer, { name, allowed: true, force }),
    WIDENS,
  );
  post(
    "/peers/deny",
    decisionInputSchema,
    ({ peer, permission: name, force }) => contacts.decide(peer, { name, allowed: false, force }),
  );
  post(
    "/peers/reset",
    resetInputSchema,
    (input) => contacts.reset(input.peer, input.permission),
    WIDENS,
  );
  post("/peers/block", peerInputSchema, ({ peer }) => contacts.block(peer));
  post("/peers/unblock", peerInputSchema, ({ peer }) => contacts.unblock(peer), WIDENS);
  post("/peers/forget", peerInputSchema, ({ peer }) => contacts.forget(peer));
  for (const path of ["/peers/name", "/peers/alias"]) {
    post(path, aliasInputSchema, ({ peer, name }) => contacts.rename(peer, name));
  }
  addGroupRoutes(post, contacts);
}

function addGroupRoutes(post: AddPost, contacts: Contacts): void {
  post(
    "/groups/add",
    groupMemberInputSchema,
    ({ group, peer }) => contacts.joinGroup(group, peer),
    WIDENS,
  );
  post(
    "/groups/remove",
    groupMemberInputSchema,
    ({ group, peer }) => contacts.leaveGroup(group, peer),
  );
  post(
    "/groups/allow",
    groupDecisionInputSchema,
    ({ group, permission: name, force }) => contacts.allowGroup(group, { name, force }),
    WIDENS,
  );
  post(
    "/groups/reset",
    groupPermissionInputSchema,
    ({ group, permission }) => contacts.resetGroup(group, permission),
  );
  post("/groups/delete", groupInputSchema, ({ group }) => contacts.deleteGroup(group));
}

/** Adds the routes about contact requests. */
export function addRequestRoutes(post: AddPost, desk: RequestDesk): void {
  post("/requests/accept", acceptInputSchema, ({ peer, name }) => desk.accept(peer, name), WIDENS);
  post("/requests/decline", peerInputSchema, ({ peer }) => desk.decline(peer));
}
