/**
 * Prometheus' own checker (Debian's package `prometheus`), where it is installed.
 *
 * @module
 */

/** Why a test that needs it is left out, or `null` where it is there. */
export function noPromtool(): string | null {
  try {
    new Deno.Command("promtool", { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync();
    return null;
  } catch {
    return "promtool is not installed";
  }
}

/** Runs it. @returns What it says, empty where all is well. */
export async function promtool(args: readonly string[], input = ""): Promise<string> {
  const child = new Deno.Command("promtool", {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  const said = decoder.decode(stdout) + decoder.decode(stderr);
  return success ? decoder.decode(stderr) : said || "promtool failed";
}
