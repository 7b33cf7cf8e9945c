/**
 * Where the code of each command is: it is loaded when somebody asks for the command.
 *
 * @module
 */
import type { NodeCommand } from "./command.ts";
import type { RunNode } from "./run.ts";

type Load = (runNode: RunNode) => Promise<readonly NodeCommand[]>;

/** By the first word of the commands, in the order of the help. */
const LOADERS: Readonly<Record<string, Load>> = {
  init: async () => [(await import("./init.ts")).initCommand],
  run: async (runNode) => [(await import("./run.ts")).runCommand(runNode)],
  open: async () => [(await import("./open.ts")).openCommand],
  auth: async () => [
    ...(await import("./auth.ts")).AUTH_COMMANDS,
    ...(await import("./auth_challenge.ts")).AUTH_CHALLENGE_COMMANDS,
  ],
  id: async () => [(await import("./id.ts")).idCommand],
  discover: async () => [(await import("./discover.ts")).discoverCommand],
  connect: async () => [(await import("./connect.ts")).connectCommand],
  invite: async () => [(await import("./invite.ts")).inviteCommand],
  invitations: async () => [(await import("./invite.ts")).invitationsCommand],
  invitation: async () => [(await import("./invite.ts")).revokeCommand],
  requests: async () => [(await import("./requests.ts")).requestsCommand],
  chat: async () => [(await import("./chat.ts")).chatCommand],
  send: async () => [(await import("./send.ts")).sendCommand],
  inbox: async () => [(await import("./inbox.ts")).inboxCommand],
  history: async () => [(await import("./history.ts")).historyCommand],
  search: async () => [(await import("./search.ts")).searchCommand],
  outbox: async () => [(await import("./outbox.ts")).outboxCommand],
  message: async () => (await import("./message.ts")).MESSAGE_COMMANDS,
  conversation: async () => (await import("./conversation_group.ts")).CONVERSATION_COMMANDS,
  share: async () => [(await import("./share.ts")).shareCommand],
  "request-link": async () => [(await import("./request_link.ts")).requestLinkCommand],
  shares: async () => [(await import("./share.ts")).sharesCommand],
  unshare: async () => [(await import("./share.ts")).unshareCommand],
  offers: async () => [(await import("./fetch.ts")).offersCommand],
  accept: async () => [(await import("./fetch.ts")).acceptCommand],
  decline: async () => [(await import("./fetch.ts")).declineCommand],
  get: async () => [(await import("./fetch.ts")).getCommand],
  transfers: async () => [(await import("./fetch.ts")).transfersCommand],
  status: async () => [(await import("./status.ts")).statusCommand],
  top: async () => [(await import("./top.ts")).topCommand],
  doctor: async () => [(await import("./doctor.ts")).doctorCommand],
  log: async () => (await import("./log_level.ts")).LOG_COMMANDS,
  config: async () => (await import("./config.ts")).CONFIG_COMMANDS,
  audit: loadAudit,
  peer: async () => [
    ...(await import("./peer.ts")).PEER_COMMANDS,
    ...(await import("./peer_group.ts")).GROUP_COMMANDS,
  ],
  token: async () => (await import("./token.ts")).TOKEN_COMMANDS,
  module: async () => (await import("./module.ts")).MODULE_COMMANDS,
  passphrase: async () => (await import("./passphrase.ts")).PASSPHRASE_COMMANDS,
  "noise-key": async () => (await import("./noise_key.ts")).NOISE_KEY_COMMANDS,
  backup: async () => [(await import("./backup.ts")).backupCommand],
  restore: async () => [(await import("./backup.ts")).restoreCommand],
  succeed: async () => [(await import("./succeed.ts")).succeedCommand],
  completion: loadUsage,
  manual: loadUsage,
};

/** Both words load both commands; the help names each once. */
async function loadUsage(runNode: RunNode): Promise<readonly NodeCommand[]> {
  return (await import("./completion.ts")).usageCommands(() => loadAllCommands(runNode));
}

async function loadAudit(): Promise<readonly NodeCommand[]> {
  const { auditShowCommand } = await import("./audit_show.ts");
  const { auditVerifyCommand, auditHeadCommand } = await import("./audit_verify.ts");
  const { auditExportCommand } = await import("./audit_export.ts");
  return [auditShowCommand, auditVerifyCommand, auditExportCommand, auditHeadCommand];
}

/** All commands, in the order of the help. */
export async function loadAllCommands(runNode: RunNode): Promise<readonly NodeCommand[]> {
  const loaders = new Set(Object.values(LOADERS));
  return (await Promise.all([...loaders].map((load) => load(runNode)))).flat();
}

/**
 * The commands that a command line can mean.
 * @param word Its first; without one that a command begins with, all of them.
 */
export async function loadCommands(
  word: string | undefined,
  runNode: RunNode,
): Promise<readonly NodeCommand[]> {
  const isKnown = word !== undefined && Object.hasOwn(LOADERS, word);
  return isKnown ? await LOADERS[word]!(runNode) : await loadAllCommands(runNode);
}
