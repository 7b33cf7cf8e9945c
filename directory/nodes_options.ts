/**
 * `openred-central nodes …`: what the operator of a directory asks it for while it runs.
 *
 * @module
 */
import { Argument, Command, InvalidArgumentError } from "commander";
import { isNodeId, type NodeId } from "../crypto/encoding.ts";
import type { NodeKind } from "../protocol/directory_admin.ts";
import { commandOf, type CommonFlags, integerIn, parseNote } from "./option_values.ts";

const MAX_SHOWN = 1_000_000;

/** What is to be done. */
export type NodesAction =
  | { readonly what: "list"; readonly kind: NodeKind; readonly limit: number }
  | { readonly what: "show" | "remove" | "unban"; readonly id: NodeId }
  | { readonly what: "ban"; readonly id: NodeId; readonly note: string };

export interface NodesOptions {
  readonly action: NodesAction;
  readonly dataDirectory: string;
  readonly json: boolean;
}

function parseId(text: string): NodeId {
  if (isNodeId(text)) return text;
  throw new InvalidArgumentError("Expected the id of a node, z6Mk….");
}

function idArgument(): Argument {
  return new Argument("<id>").argParser(parseId);
}

/** The family of commands. @param asked Called with what it is to do. */
export function nodesCommand(asked: (options: NodesOptions) => void): Command {
  const ask = ({ data, json }: CommonFlags, action: NodesAction) =>
    asked({ action, dataDirectory: data, json });
  const list = commandOf("list", "List the nodes of a running directory, the newest first.");
  list.option("--gone", "those that have withdrawn")
    .option("--banned", "ids that are banned")
    .option("--limit <n>", "how many at most", integerIn(1, MAX_SHOWN), 100)
    .action((flags: CommonFlags & { gone?: boolean; banned?: boolean; limit: number }) => {
      if (flags.gone && flags.banned) list.error("error: --gone and --banned do not go together");
      const kind = flags.banned ? "banned" : flags.gone ? "gone" : "known";
      ask(flags, { what: "list", kind, limit: flags.limit });
    });
  const nodes = new Command("nodes").description("See and decide which nodes a directory has.")
    .addCommand(list);
  const texts = {
    show: "Show what a running directory knows of an id.",
    remove: "Have a running directory forget a node, which may register again.",
    unban: "Let an id register again.",
  };
  for (const what of ["show", "remove", "unban"] as const) {
    const command = commandOf(what, texts[what]).addArgument(idArgument());
    nodes.addCommand(command.action((id: NodeId, flags: CommonFlags) => ask(flags, { what, id })));
  }
  const ban = commandOf("ban", "Have a running directory forget a node and refuse its id.")
    .addArgument(idArgument())
    .option("--note <text>", "why, for you alone", parseNote, "")
    .action((id: NodeId, flags: CommonFlags & { note: string }) =>
      ask(flags, { what: "ban", id, note: flags.note })
    );
  return nodes.addCommand(ban);
}
