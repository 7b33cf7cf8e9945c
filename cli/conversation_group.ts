/**
 * `openred-node conversation group …`: groups of people who write to each other.
 *
 * @module
 */
import type { GroupMemberView, GroupsView, GroupView } from "../protocol/groups_api.ts";
import { parsePetname } from "../protocol/peer_name.ts";
import { PEER_WORD, readPeer } from "./arguments.ts";
import { usageError } from "./command_error.ts";
import { type ArgumentSpec, defineCommand, type NodeCommand } from "./command.ts";
import { switchOption } from "./options.ts";
import { type Cell, idCell, type Output } from "./output.ts";
import { nameCell } from "./peer_view.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const MAX_WORD_LENGTH = 64;

/** A group as a word names it. */
const GROUP_WORD: ArgumentSpec = {
  name: "group",
  summary: "its id or a part of it, or its name where no other group has it",
};
const NAME_WORD = { name: "name", summary: "1 to 64 characters" };
const PEERS_WORD = { ...PEER_WORD, isRepeated: true };

const historyOption = switchOption({
  flag: "history",
  summary: "give those who come later what was written before",
});
const introduceOption = switchOption({
  flag: "introduce",
  summary: "look for members whom this node does not know, and write to them directly",
});

const NOT_PERMISSIONS = "Groups of people who write to each other. What peers may do is a matter " +
  "of 'peer group'.";

function readGroupWord(word = ""): string {
  if (word.length > 0 && word.length <= MAX_WORD_LENGTH) return word;
  throw usageError("<group>: expected the id or the name of a group");
}

function readTitle(word = ""): string {
  try {
    return parsePetname(word);
  } catch (error) {
    if (error instanceof RangeError) throw usageError(`<name>: ${error.message}`);
    throw error;
  }
}

const STAGES: Readonly<Record<GroupView["stage"], Cell>> = {
  invited: { text: "you are invited", style: "yellow" },
  joined: { text: "member", style: "green" },
  left: { text: "you left", style: "dim" },
  removed: { text: "you were removed", style: "red" },
  declined: { text: "declined", style: "dim" },
};

const MEMBER_STATES: Readonly<Record<GroupMemberView["state"], Cell>> = {
  invited: { text: "invited", style: "yellow" },
  member: { text: "member" },
  left: { text: "left", style: "dim" },
};

async function printGroups(out: Output, groups: readonly GroupView[]): Promise<void> {
  if (groups.length === 0) return await out.line("No groups");
  const rows = groups.map((group) => [
    idCell(group.group),
    { text: `“${group.name}”` },
    STAGES[group.stage],
    { text: String(group.members.length) },
    { text: String(group.unread) },
  ]);
  await out.table(["GROUP", "NAME", "YOU", "MEMBERS", "UNREAD"], rows);
}

async function printGroup(out: Output, group: GroupView): Promise<void> {
  await out.pairs([
    ["Group", { text: group.group, style: "bold" }],
    ["Name", `“${group.name}”`],
    ["You", STAGES[group.stage]],
    ["Owner", group.owner === group.you ? "you" : { text: group.owner, style: "cyan" }],
    ["Brought by", group.inviter === group.you ? "you" : group.inviter],
    ["Earlier messages for newcomers", group.history ? "yes" : "no"],
    ["Looks for members", group.introduces ? "yes" : "no"],
  ]);
  const rows = group.members.map((member) => [
    idCell(member.id),
    member.id === group.you ? { text: "you" } : nameCell(member.petname),
    MEMBER_STATES[member.state],
  ]);
  if (rows.length > 0) await out.table(["NODE", "NAME", "STATE"], rows);
  if (group.two_stories) {
    await out.line({
      text: "The owner has signed two statements under one number: not to be relied upon",
      style: "red",
    });
  }
}

type Posted = { readonly path: string; readonly body: unknown };

/** A command that changes a group, and shows it as it is then. */
function changeCommand(
  command: {
    name: string;
    summary: string;
    details: string;
    words: readonly ArgumentSpec[];
  },
  post: (words: readonly string[]) => Posted,
): NodeCommand {
  return defineCommand({
    ...command,
    name: `conversation group ${command.name}`,
    options: COMMON_OPTIONS,
    async run({ options, words, out, openNode }) {
      const { path, body } = post(words);
      const view = await (await openNode()).messaging<GroupView>("POST", `/groups${path}`, body);
      if (options.json) await out.json(view);
      else await printGroup(out, view);
    },
  });
}

function peersOf(words: readonly string[]): readonly string[] {
  return words.map((word) => readPeer(word));
}

const listCommand = defineCommand({
  name: "conversation group list",
  summary: "list groups and invitations",
  details: NOT_PERMISSIONS,
  words: [],
  options: COMMON_OPTIONS,
  async run({ options, out, openNode }) {
    const view = await (await openNode()).messaging<GroupsView>("GET", "/groups");
    if (options.json) await out.json(view);
    else await printGroups(out, view.groups);
  },
});

const createCommand = defineCommand({
  name: "conversation group create",
  summary: "found a group and invite peers",
  details: `${NOT_PERMISSIONS}\nNobody is in a group before accepting.`,
  words: [NAME_WORD, { ...PEERS_WORD, isOptional: true }],
  options: { ...COMMON_OPTIONS, history: historyOption },
  async run({ options, words: [word, ...peers], out, openNode }) {
    const { history } = options;
    const body = { name: readTitle(word), members: peersOf(peers), history };
    const view = await (await openNode()).messaging<GroupView>("POST", "/groups", body);
    if (options.json) await out.json(view);
    else await printGroup(out, view);
  },
});

const showCommand = defineCommand({
  name: "conversation group show",
  summary: "show a group and who is in it",
  details: NOT_PERMISSIONS,
  words: [GROUP_WORD],
  options: COMMON_OPTIONS,
  async run({ options, words, out, openNode }) {
    const query = new URLSearchParams({ group: readGroupWord(words[0]) });
    const view = await (await openNode()).messaging<GroupView>("GET", `/groups/show?${query}`);
    if (options.json) await out.json(view);
    else await printGroup(out, view);
  },
});

const acceptCommand = defineCommand({
  name: "conversation group accept",
  summary: "accept an invitation",
  details:
    "From then on the members may write here in this group, blocked ones excepted. Members whom\n" +
    "this node does not know are reached through others, unless it is told to look for them.",
  words: [GROUP_WORD],
  options: { ...COMMON_OPTIONS, introduce: introduceOption },
  async run({ options, words, out, openNode }) {
    const body = { group: readGroupWord(words[0]), introduce: options.introduce };
    const node = await openNode();
    const view = await node.messaging<GroupView>("POST", "/groups/accept", body);
    if (options.json) await out.json(view);
    else await printGroup(out, view);
  },
});

const changeTitleCommand = changeCommand(
  {
    name: "rename",
    summary: "give a group another name",
    details: "Only its owner can.",
    words: [GROUP_WORD, NAME_WORD],
  },
  ([group, name]) => ({
    path: "/change",
    body: { group: readGroupWord(group), name: readTitle(name) },
  }),
);

/** All commands about groups of people. */
export const CONVERSATION_COMMANDS: readonly NodeCommand[] = [
  listCommand,
  createCommand,
  showCommand,
  acceptCommand,
  changeCommand(
    {
      name: "decline",
      summary: "decline an invitation",
      details: "Nobody is told. An invitation after this one is shown again.",
      words: [GROUP_WORD],
    },
    ([group]) => ({ path: "/decline", body: { group: readGroupWord(group) } }),
  ),
  changeCommand(
    {
      name: "invite",
      summary: "invite peers into a group",
      details: "Only its owner can. Nobody is in it before accepting.",
      words: [GROUP_WORD, PEERS_WORD],
    },
    ([group, ...peers]) => ({
      path: "/invite",
      body: { group: readGroupWord(group), peers: peersOf(peers) },
    }),
  ),
  changeCommand(
    {
      name: "remove",
      summary: "remove members, or take invitations back",
      details: "Only its owner can. What they wrote before stays.",
      words: [GROUP_WORD, PEERS_WORD],
    },
    ([group, ...peers]) => ({
      path: "/remove",
      body: { group: readGroupWord(group), peers: peersOf(peers) },
    }),
  ),
  changeCommand(
    {
      name: "leave",
      summary: "leave a group",
      details: "For good, unless its owner invites again. What came stays here.",
      words: [GROUP_WORD],
    },
    ([group]) => ({ path: "/leave", body: { group: readGroupWord(group) } }),
  ),
  changeCommand(
    {
      name: "owner",
      summary: "hand a group over to a member",
      details: "Only its owner can, and is an ordinary member then.",
      words: [GROUP_WORD, PEER_WORD],
    },
    ([group, peer]) => ({
      path: "/owner",
      body: { group: readGroupWord(group), peer: readPeer(peer) },
    }),
  ),
  changeTitleCommand,
  changeCommand(
    {
      name: "history",
      summary: "say whether newcomers are given what was written before",
      details: "Only its owner can.",
      words: [GROUP_WORD, { name: "history", summary: "on or off" }],
    },
    ([group, word]) => ({
      path: "/change",
      body: { group: readGroupWord(group), history: readOnOff(word) },
    }),
  ),
  changeCommand(
    {
      name: "refound",
      summary: "found a group anew with the same people",
      details: "Where its owner is gone. All of them are invited; the old group stays as it is.",
      words: [GROUP_WORD, { ...NAME_WORD, isOptional: true }],
    },
    ([group, name]) => ({
      path: "/refound",
      body: {
        group: readGroupWord(group),
        ...(name === undefined ? {} : { name: readTitle(name) }),
      },
    }),
  ),
];

function readOnOff(word = ""): boolean {
  if (word === "on" || word === "off") return word === "on";
  throw usageError("<history>: expected on or off");
}
