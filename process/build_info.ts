/**
 * What a binary says of itself.
 *
 * @module
 */

/** Of what a program was made; written beside its code by scripts/program_code.ts. */
export interface BuildInfo {
  /** Of the commit, 40 hex digits, with `+` where files were changed since; `null` outside of a repository. */
  readonly commit: string | null;
  /** When that commit was made, ISO 8601. */
  readonly date: string | null;
}

export const BUILD_INFO_FILE = "build.json";

/** The licences of the packages in a program; made beside its code by scripts/program_code.ts. */
export const NOTICES_FILE = "THIRD-PARTY-NOTICES.txt";

const SOURCES_NOTICE =
  "This runs from its sources, which contain no packages; docs/DEPENDENCIES.md lists what they load.\n";

async function readBuildInfo(): Promise<BuildInfo | null> {
  const text = await Deno.readTextFile(new URL(BUILD_INFO_FILE, import.meta.url))
    .catch(() => null);
  return text === null ? null : JSON.parse(text);
}

function describeCommit({ commit, date }: BuildInfo): string {
  if (commit === null || date === null) return "of an unknown commit";
  const changes = commit.endsWith("+") ? " with changes" : "";
  return `commit ${commit.slice(0, 12)}${changes} of ${date.slice(0, 10)}`;
}

/**
 * What `--version` prints: the version alone in the first line, what somebody who reports a fault is asked for in the
 * second.
 */
export async function describeBuild(version: string): Promise<string> {
  const info = await readBuildInfo();
  const parts = [
    info === null ? "run from its sources" : describeCommit(info),
    `Deno ${Deno.version.deno}`,
    Deno.build.target,
  ];
  return `${version}\n${parts.join(", ")}`;
}

/** What `--licenses` prints. */
export async function readNotices(): Promise<string> {
  return await Deno.readTextFile(new URL(NOTICES_FILE, import.meta.url))
    .catch(() => SOURCES_NOTICE);
}

/** Whether a command line may ask for the licences. */
export function asksForLicenses(args: readonly string[]): boolean {
  return args.includes("--licenses");
}

/** Whether a command line begins by asking for the version. */
export function asksForVersion(args: readonly string[]): boolean {
  return args[0] === "--version" || args[0] === "-V";
}
