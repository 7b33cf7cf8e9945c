/**
 * What the program and its families of commands are called.
 *
 * @module
 */

export const PROGRAM_NAME = "openred-node";
export const PROGRAM_SUMMARY = "a node of the OpenRed network, and the commands that talk to it";

/** What stands in the help for commands of several words. */
export const FAMILIES: Readonly<Record<string, string>> = {
  "config": "the settings of 'run' that are kept beside the data",
  "auth": "factors of yours: in the console, and for peers that ask",
  "audit": "what the node noted about its security",
  "log": "what the running node logs",
  "peer": "who peers are, what they are called and what each may do",
  "invitation": "what becomes of invitations",
  "message": "what becomes of a message later: removed, reacted to, read",
  "conversation": "groups of people who write to each other",
  "conversation group": "groups of people who write to each other; 'peer group' is permissions",
  "module": "what the node can do: built-in modules, and those from files",
  "passphrase": "the passphrase of the node's keys",
  "noise-key": "the node's key for handshakes",
  "token": "the tokens that the node holds for its peers",
  "peer group":
    "groups of peers with permissions of their own; 'conversation group' is for writing",
};
