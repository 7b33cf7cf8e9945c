/**
 * What each program may do, in whatever form it is published.
 *
 * @module
 */
import { PAGE_OPENERS } from "../ports/system_page_opener.ts";

export const PROGRAMS = ["central", "node"] as const;

export type Program = typeof PROGRAMS[number];

/**
 * - Network: both listen where the operator says and call URLs that other nodes announce, so no list
 *   of hosts can be known here; the URL policy judges each.
 * - Files: `--data`, `--passphrase-file` and their like name any path, and permissions can neither be
 *   widened without a prompt nor narrowed to a path at run time; a list baked in here, even of relative
 *   paths, would only serve those who start the program in one certain folder. So reading and writing
 *   stay open, and the code limits itself: only `ports/system*.ts` and the roots touch files. The
 *   runtime itself keeps `/proc`, `/sys` and `/dev` shut without further permissions.
 * - Environment: reading, all of it: a variable of the programs that is mistyped has a name that no list holds. The
 *   program looks at its own ones, those that name a proxy or the user's folders, and those about a terminal's colours.
 * - A node's commands start what opens a file in the browser (`openred-node open`); a node that runs gives that up first.
 * - Nothing else: no other subprocess, no native library, no code from elsewhere; no system information but the free space
 *   and the addresses of this machine's interfaces.
 *   The crypto Worker gets none of all this.
 */
const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--deny-ffi",
  "--deny-import",
  "--allow-sys=statfs,networkInterfaces",
];

/** Only a node has a page to open. */
const RUN: Readonly<Record<Program, string>> = {
  central: "--deny-run",
  node: `--allow-run=${PAGE_OPENERS.join(",")}`,
};

/** The options of the runtime. */
export function permissionsOf(program: Program): readonly string[] {
  return [...PERMISSIONS, RUN[program]];
}
