/**
 * Composition root of the directory and of the relay, the binary `openred-central`.
 *
 * @module
 */
import type { WorkerCryptoCore } from "./crypto/client.ts";
import { startCryptoWorker } from "./crypto/worker_start.ts";
import denoConfig from "./deno.json" with { type: "json" };
import {
  asksForLicenses,
  asksForVersion,
  describeBuild,
  readNotices,
} from "./process/build_info.ts";
import { tell } from "./process/telling.ts";

async function startCore(): Promise<WorkerCryptoCore> {
  const started = startCryptoWorker();
  return await (await import("./crypto/client.ts")).WorkerCryptoCore.start(started);
}

/**
 * Begins what a directory that is to run waits for longest, before its options are read: the core starts in a thread of
 * its own, and the code of the directory is loaded meanwhile. Neither does anything yet.
 */
function beginDirectory(): Promise<WorkerCryptoCore> {
  const core = startCore();
  // Who runs the directory hears of it; a command line that was wrong is over by then.
  core.catch(() => {});
  void import("./central_service.ts");
  return core;
}

/** Runs a command line. @returns The exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const begun = args[0] === "run" ? beginDirectory() : null;
  const { parseOptions } = await import("./directory/options.ts");
  const output = {
    out: (text: string) => tell(Deno.stdout, text),
    err: (text: string) => tell(Deno.stderr, text),
  };
  const parsed = parseOptions(args, {
    version: asksForVersion(args) ? await describeBuild(denoConfig.version) : denoConfig.version,
    licenses: asksForLicenses(args) ? await readNotices() : "",
    ...output,
  });
  if (parsed.kind === "exit") return parsed.code;
  if (parsed.kind === "relay") {
    const { runRelay } = await import("./relay_service.ts");
    return await runRelay(parsed.options, startCore());
  }
  if (parsed.kind === "doctor") {
    return await (await import("./central_doctor.ts")).runDoctor(parsed.options);
  }
  if (parsed.kind === "nodes") {
    return await (await import("./central_nodes.ts")).runNodes(parsed.options);
  }
  if (parsed.kind === "keys") {
    return await (await import("./central_nodes.ts")).runKeys(parsed.options);
  }
  if (parsed.kind === "backup") {
    return await (await import("./central_backup.ts")).runBackup(parsed.options, output);
  }
  const { runDirectory } = await import("./central_service.ts");
  return await runDirectory(parsed.options, begun ?? startCore());
}

if (import.meta.main) Deno.exit(await main(Deno.args));
