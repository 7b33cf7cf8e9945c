/**
 * `openred-central nodes …` and `keys …`, which `central.ts` loads when they are asked for.
 *
 * @module
 */
import type { AdminParts } from "./directory/admin_client.ts";
import { runKeysCommand } from "./directory/keys_command.ts";
import type { KeysOptions } from "./directory/keys_options.ts";
import { runNodesCommand } from "./directory/nodes_command.ts";
import type { NodesOptions } from "./directory/nodes_options.ts";
import { systemClock } from "./ports/system_clock.ts";
import { sendLoopback } from "./ports/system_loopback.ts";
import { systemRandom } from "./ports/system_random.ts";
import { tell } from "./process/telling.ts";
import { ADMIN_FILE } from "./protocol/admin_api.ts";

/** Has a command ask the directory that runs on a data directory. @returns The exit code. */
async function ask(
  dataDirectory: string,
  run: (parts: AdminParts) => Promise<number>,
): Promise<number> {
  let adminFile: Uint8Array | null = null;
  try {
    adminFile = await Deno.readFile(`${dataDirectory}/${ADMIN_FILE}`);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) {
      const text = "--data: cannot read admin.json there; it belongs to whoever runs the directory";
      tell(Deno.stderr, `error: ${text}\n`);
      return 1;
    }
  }
  return await run({
    adminFile,
    send: sendLoopback,
    clock: systemClock,
    random: systemRandom,
    out: (text) => tell(Deno.stdout, text),
    err: (text) => tell(Deno.stderr, text),
  });
}

/** `nodes …`. @returns The exit code. */
export async function runNodes(options: NodesOptions): Promise<number> {
  return await ask(options.dataDirectory, (parts) => runNodesCommand(options, parts));
}

/** `keys …`. @returns The exit code. */
export async function runKeys(options: KeysOptions): Promise<number> {
  return await ask(options.dataDirectory, (parts) => runKeysCommand(options, parts));
}
