/**
 * The admin API's routes about peers and groups.
 *
 * @module
 */
import type * as v from "valibot";
import {
  aliasInputSchema,
  decisionInputSchema,
  groupInputSchema,
  groupMemberInputSchema,
  groupPermissionInputSchema,
  peerInputSchema,
  resetInputSchema,
} from "../../protocol/admin_api.ts";
import type { Contacts } from "../contacts/contacts.ts";

/** Has a route answer POSTs whose body is of a schema. */
export type AddPost = <const S extends v.GenericSchema>(
  path: string,
  schema: S,
  handler: (input: v.InferOutput<S>) => Promise<unknown>,
) => void;

/** Adds the routes that change something. */
export function addPeerRoutes(post: AddPost, contacts: Contacts): void {
  post(
    "/peers/show",
    peerInputSchema,
    ({ peer }) => Promise.resolve(contacts.show(contacts.resolve(peer))),
  );
  post(
    "/peers/allow",
    decisionInputSchema,
    ({ peer, permission }) => contacts.decide(peer, { name: permission, allowed: true }),
  );
  post(
    "/peers/deny",
    decisionInputSchema,
    ({ peer, permission }) => contacts.decide(peer, { name: permission, allowed: false }),
  );
  post("/peers/reset", resetInputSchema, (input) => contacts.reset(input.peer, input.permission));
  post("/peers/block", peerInputSchema, ({ peer }) => contacts.block(peer));
  post("/peers/unblock", peerInputSchema, ({ peer }) => contacts.unblock(peer));
  post("/peers/forget", peerInputSchema, ({ peer }) => contacts.forget(peer));
  post("/peers/alias", aliasInputSchema, ({ peer, name }) => contacts.rename(peer, name));
  addGroupRoutes(post, contacts);
}

function addGroupRoutes(post: AddPost, contacts: Contacts): void {
  post(
    "/groups/add",
    groupMemberInputSchema,
    ({ group, peer }) => contacts.joinGroup(group, peer),
  );
  post(
    "/groups/remove",
    groupMemberInputSchema,
    ({ group, peer }) => contacts.leaveGroup(group, peer),
  );
  post(
    "/groups/allow",
    groupPermissionInputSchema,
    ({ group, permission }) => contacts.allowGroup(group, permission),
  );
  post(
    "/groups/reset",
    groupPermissionInputSchema,
    ({ group, permission }) => contacts.resetGroup(group, permission),
  );
  post("/groups/delete", groupInputSchema, ({ group }) => contacts.deleteGroup(group));
}
