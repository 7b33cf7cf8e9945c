/**
 * What each program may do, in whatever form it is published.
 *
 * @module
 */
import { PROXY_VARIABLES } from "../process/environment_proxy.ts";

export const PROGRAMS = ["central", "node"] as const;

export type Program = typeof PROGRAMS[number];

/** Variables that libraries look at, besides the program's own. */
const LIBRARY_VARIABLES = ["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM"];

/**
 * - Network: both listen where the operator says and call URLs that other nodes announce, so no list
 *   of hosts can be known here; the URL policy judges each.
 * - Files: `--data`, `--passphrase-file` and their like name any path, and permissions can neither be
 *   widened without a prompt nor narrowed to a path at run time; a list baked in here, even of relative
 *   paths, would only serve those who start the program in one certain folder. So reading and writing
 *   stay open, and the code limits itself: only `ports/system*.ts` and the roots touch files. The
 *   runtime itself keeps `/proc`, `/sys` and `/dev` shut without further permissions.
 * - Environment: the program's own variables, those that name a proxy, and those that tell a terminal's colours.
 * - Nothing else: no subprocess, no native library, no code from elsewhere; no system information but the free space.
 *   The crypto Worker gets none of all this.
 */
export const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  `--allow-env=${["OPENRED_*", ...PROXY_VARIABLES, ...LIBRARY_VARIABLES].join(",")}`,
  "--deny-run",
  "--deny-ffi",
  "--deny-import",
  "--allow-sys=statfs",
];
