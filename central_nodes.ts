/**
 * `openred-central nodes …`, which `central.ts` loads when it is asked for.
 *
 * @module
 */
import { runNodesCommand } from "./directory/nodes_command.ts";
import type { NodesOptions } from "./directory/nodes_options.ts";
import { systemClock } from "./ports/system_clock.ts";
import { sendLoopback } from "./ports/system_loopback.ts";
import { systemRandom } from "./ports/system_random.ts";
import { tell } from "./process/telling.ts";
import { ADMIN_FILE } from "./protocol/admin_api.ts";

/** Asks the running directory, and prints what it answers. @returns The exit code. */
export async function runNodes(options: NodesOptions): Promise<number> {
  const { dataDirectory } = options;
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
  return await runNodesCommand(options, {
    adminFile,
    send: sendLoopback,
    clock: systemClock,
    random: systemRandom,
    out: (text) => tell(Deno.stdout, text),
    err: (text) => tell(Deno.stderr, text),
  });
}
