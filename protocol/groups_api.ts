/**
 * The owner's routes of groups, `/m/messaging/groups…` of the admin server.
 *
 * @module
 */
import * as v from "valibot";
import { parsePetname, peerRefSchema } from "./peer_name.ts";

/** The most members, invited ones included. */
export const MAX_GROUP_MEMBERS = 256;

/** A group's name: what a petname may be. */
export const groupTitleSchema = v.pipe(
  v.string(),
  v.check((text) => {
    try {
      return parsePetname(text) === text;
    } catch {
      return false;
    }
  }, "a name of 1 to 64 characters, without any that are not seen"),
);

const membersSchema = v.pipe(v.array(peerRefSchema), v.maxLength(MAX_GROUP_MEMBERS));
const someMembersSchema = v.pipe(membersSchema, v.minLength(1));

/** `POST /m/messaging/groups`: founds a group and invites. */
export const foundInputSchema = v.strictObject({
  name: groupTitleSchema,
  members: v.optional(membersSchema, []),
  /** Whether those who come later are given what was written before. */
  history: v.optional(v.boolean(), false),
});

/** What names a group: its id, or its name where no other group has it. */
const group = v.pipe(v.string(), v.minLength(1), v.maxLength(64));

/** `POST /m/messaging/groups/accept`. With `introduce` this node looks for members that it does not know. */
export const acceptInputSchema = v.strictObject({
  group,
  introduce: v.optional(v.boolean(), false),
});

/** `GET /m/messaging/groups/show`, `POST /m/messaging/groups/decline` and `leave`. */
export const groupInputSchema = v.strictObject({ group });

/** `POST /m/messaging/groups/invite` and `remove`. */
export const groupPeersInputSchema = v.strictObject({ group, peers: someMembersSchema });

/** `POST /m/messaging/groups/owner`: hands the group over to a member. */
export const groupOwnerInputSchema = v.strictObject({ group, peer: peerRefSchema });

/** `POST /m/messaging/groups/change`. */
export const groupChangeInputSchema = v.strictObject({
  group,
  name: v.optional(groupTitleSchema),
  history: v.optional(v.boolean()),
});

/** `POST /m/messaging/groups/refound`: a new group of the same people, all of them invited. */
export const refoundInputSchema = v.strictObject({ group, name: v.optional(groupTitleSchema) });

/** What this node is in a group. */
export type GroupStage = "invited" | "joined" | "left" | "removed" | "declined";

/** One who is in a group, or invited. */
export interface GroupMemberView {
  readonly id: string;
  /** What this node's owner calls it. */
  readonly petname: string | null;
  readonly state: "invited" | "member" | "left";
}

export interface GroupView {
  readonly group: string;
  /** As its owner calls it: a claim. */
  readonly name: string;
  readonly stage: GroupStage;
  /** This node, as the group knows it. */
  readonly you: string;
  readonly owner: string;
  /** Who has brought the invitation here. */
  readonly inviter: string;
  /** Whether those who come later are given what was written before. */
  readonly history: boolean;
  readonly introduces: boolean;
  readonly members: readonly GroupMemberView[];
  /** The owner has signed two statements under one number: others may have seen another one. */
  readonly two_stories?: true;
  readonly unread: number;
}

/** `GET /m/messaging/groups`. */
export interface GroupsView {
  readonly groups: readonly GroupView[];
}
