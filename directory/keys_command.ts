/**
 * What `openred-central keys …` asks the running directory for, and how it shows the answer.
 *
 * @module
 */
import {
  ADMIN_KEYS_PATH,
  type KeyMade,
  type KeysPage,
  type KeyView,
} from "../protocol/directory_admin.ts";
import { safeJson, sanitizeLine } from "../protocol/safe_text.ts";
import { type AdminClient, type AdminParts, localTime, runAdminCommand } from "./admin_client.ts";
import type { KeysOptions } from "./keys_options.ts";

const OPEN = "This directory runs without --invite-only: it takes nodes without a key too\n";

function keyText({ key_id, state, uses, used, expires_at, note }: KeyView): string {
  const until = expires_at === null ? "does not expire" : `until ${localTime(expires_at)}`;
  const why = note === "" ? "" : `: ${note}`;
  return `${sanitizeLine(`${key_id}  ${state}, ${used} of ${uses} used, ${until}${why}`)}\n`;
}

function isoKey<T extends KeyView>({ made_at, expires_at, ...rest }: T) {
  return {
    ...rest,
    made_at: new Date(made_at).toISOString(),
    expires_at: expires_at === null ? null : new Date(expires_at).toISOString(),
  };
}

async function list(client: AdminClient, { json }: KeysOptions, parts: AdminParts): Promise<void> {
  const keys: KeyView[] = [];
  let page: KeysPage;
  let after = "";
  do {
    page = await client.ask(`${ADMIN_KEYS_PATH}${after}`) as KeysPage;
    keys.push(...page.keys);
    after = `?${new URLSearchParams({ after: page.next ?? "" })}`;
  } while (page.next !== null);
  const { invite_only } = page;
  if (json) return parts.out(`${safeJson({ keys: keys.map(isoKey), invite_only })}\n`);
  parts.out(keys.map(keyText).join(""));
  if (keys.length === 0) parts.err("There are none\n");
  if (!invite_only) parts.err(OPEN);
}

async function run(client: AdminClient, options: KeysOptions, parts: AdminParts): Promise<void> {
  const { action, json } = options;
  if (action.what === "list") return await list(client, options, parts);
  if (action.what === "revoke") {
    const body = JSON.stringify({ key_id: action.keyId });
    const view = await client.ask(`${ADMIN_KEYS_PATH}/revoke`, body) as KeyView;
    return parts.out(json ? `${safeJson(isoKey(view))}\n` : keyText(view));
  }
  const { uses, expiresMs: expires_ms, note } = action;
  const body = JSON.stringify({ uses, expires_ms, note });
  const made = await client.ask(`${ADMIN_KEYS_PATH}/add`, body) as KeyMade;
  if (json) return parts.out(`${safeJson(isoKey(made))}\n`);
  parts.out(`${sanitizeLine(made.key)}\n`);
  parts.err(`${keyText(made)}A node shows it with --directory-key-file; it is printed this once\n`);
}

/** Does what was asked for. @returns The exit code. */
export async function runKeysCommand(options: KeysOptions, parts: AdminParts): Promise<number> {
  return await runAdminCommand(options, parts, (client) => run(client, options, parts));
}
