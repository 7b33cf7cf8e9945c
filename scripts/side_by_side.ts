/**
 * Runs tasks side by side and shows what each says in one piece: the first as it comes, the others
 * once they have ended. Ends with 1 if one of them failed.
 *
 * Usage: `deno run -A scripts/side_by_side.ts TASK…`
 *
 * @module
 */

async function runShown(task: string): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), { args: ["task", task], stdin: "null" }).spawn();
  return (await child.status).success;
}

/** @returns Whether it succeeded, and all that it wrote, in the order in which it came. */
async function runHeld(task: string): Promise<{ success: boolean; written: BlobPart[] }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", task],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const written: BlobPart[] = [];
  const keep = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const piece of stream) written.push(piece);
  };
  await Promise.all([keep(child.stdout), keep(child.stderr)]);
  return { success: (await child.status).success, written };
}

const [first, ...others] = Deno.args;
if (first === undefined) throw new Error("name the tasks");
const held = others.map(runHeld);
let success = await runShown(first);
for (const ended of held) {
  const { success: alsoThis, written } = await ended;
  await new Blob(written).stream().pipeTo(Deno.stdout.writable, { preventClose: true });
  success &&= alsoThis;
}
Deno.exit(success ? 0 : 1);
