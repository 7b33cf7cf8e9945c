/**
 * `openred-node peer group …`: groups of peers with permissions of their own.
 *
 * @module
 */
import type { GroupView } from "../protocol/admin_api.ts";
import type { AdminClient } from "./admin_client.ts";
import { PEER_WORD, readGroup, readPeer, readPermission } from "./arguments.ts";
import { type ArgumentSpec, defineCommand, type NodeCommand } from "./command.ts";
import type { Output } from "./output.ts";
import { printGroup } from "./peer_view.ts";
import { forceOption, PERMISSION_WORD } from "./permission_word.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const GROUP_WORD = { name: "group", summary: "1 to 32 of a–z, 0–9, _ and -" };

/** A group exists while it has a member or a permission. */
async function printChanged(out: Output, view: GroupView): Promise<void> {
  const isGone = view.permissions.length === 0 && view.members.length === 0;
  if (isGone) await out.line(`There is no group ${view.group} any more`);
  else await printGroup(out, view);
}

function groupCommand(
  command: { name: string; summary: string; details: string; words: readonly ArgumentSpec[] },
  run: (node: AdminClient, words: readonly string[]) => Promise<GroupView>,
  check: (words: readonly string[]) => void,
): NodeCommand {
  return defineCommand({
    ...command,
    name: `peer group ${command.name}`,
    options: COMMON_OPTIONS,
    async run({ options, words, out, openNode }) {
      readGroup(words[0]);
      check(words);
      const view = await run(await openNode(), words);
      if (options.json) await out.json(view);
      else await printChanged(out, view);
    },
  });
}

const listCommand = defineCommand({
  name: "peer group list",
  summary: "list groups, what they may do and who is in them",
  details: "A group exists while it has a member or a permission.",
  words: [],
  options: COMMON_OPTIONS,
  async run({ options, out, openNode }) {
    const view = await (await openNode()).groups();
    if (options.json) return await out.json(view);
    if (view.groups.length === 0) return await out.line("No groups");
    for (const group of view.groups) await printGroup(out, group);
  },
});

const allowCommand = defineCommand({
  name: "peer group allow",
  summary: "allow all peers of a group something",
  details: "Makes the group if there is none of that name. What is denied to a peer itself wins.",
  words: [GROUP_WORD, PERMISSION_WORD],
  options: { ...COMMON_OPTIONS, force: forceOption },
  async run({ options, words, out, openNode }) {
    const { force } = options;
    const input = { group: readGroup(words[0]), permission: readPermission(words[1]), force };
    const view = await (await openNode()).changeGroup("allow", input);
    if (options.json) await out.json(view);
    else await printGroup(out, view);
  },
});

/** All commands about groups. */
export const GROUP_COMMANDS: readonly NodeCommand[] = [
  listCommand,
  groupCommand(
    {
      name: "add",
      summary: "put a peer into a group",
      details: "Makes the group if there is none of that name.",
      words: [GROUP_WORD, PEER_WORD],
    },
    (node, [group = "", peer = ""]) => node.changeGroup("add", { group, peer }),
    (words) => readPeer(words[1]),
  ),
  groupCommand(
    {
      name: "remove",
      summary: "take a peer out of a group",
      details: "What the group may do, the peer may no longer, unless it is allowed to it as well.",
      words: [GROUP_WORD, PEER_WORD],
    },
    (node, [group = "", peer = ""]) => node.changeGroup("remove", { group, peer }),
    (words) => readPeer(words[1]),
  ),
  allowCommand,
  groupCommand(
    {
      name: "reset",
      summary: "take back what was allowed to a group",
      details: "Groups deny nothing: deny a peer itself with 'peer deny'.",
      words: [GROUP_WORD, PERMISSION_WORD],
    },
    (node, [group = "", permission = ""]) => node.changeGroup("reset", { group, permission }),
    (words) => readPermission(words[1]),
  ),
  groupCommand(
    {
      name: "delete",
      summary: "delete a group",
      details: "Its peers stay, without what only the group was allowed.",
      words: [GROUP_WORD],
    },
    (node, [group = ""]) => node.changeGroup("delete", { group }),
    () => {},
  ),
];
