/**
 * Data directories as former versions of the programs left them, each in one compressed file. To add that of today, run
 * two nodes that write to each other, name one, stop them, and pack it:
 *
 *     deno run -A tests/data_formats/fixture.ts FOLDER node-14 '{"id":"…","peer":"…","text":"…"}'
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url } from "../../crypto/encoding.ts";

const FOLDER = new URL("fixtures/", import.meta.url);
const SUFFIX = ".json.gz";
/** What only a running process has, and what is made again. */
const LEFT_OUT = /^(admin\.json|lock\..*|metrics-token)$/;

interface Fixture {
  /** What a test needs to know of it. */
  readonly about: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  return await new Response(new Response(bytes).body!.pipeThrough(stream)).bytes();
}

/** The names of those that begin so, oldest first. */
export function fixtureNames(prefix: string): readonly string[] {
  return Array.from(Deno.readDirSync(FOLDER), ({ name }) => name)
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(0, -SUFFIX.length)).sort();
}

/** Puts a fixture into a data directory. @returns What is to be known of it. */
export async function unpackFixture(name: string, data: string): Promise<Fixture["about"]> {
  const packed = await Deno.readFile(new URL(name + SUFFIX, FOLDER));
  const text = await through(packed, new DecompressionStream("gzip"));
  const { about, files }: Fixture = JSON.parse(new TextDecoder().decode(text));
  for (const [file, content] of Object.entries(files)) {
    await Deno.writeFile(`${data}/${file}`, decodeBase64Url(content)!, { mode: 0o600 });
  }
  return about;
}

async function pack(data: string, name: string, about: Fixture["about"]): Promise<void> {
  const files: Record<string, string> = {};
  for (
    const { name: file } of [...Deno.readDirSync(data)].sort((a, b) => a.name < b.name ? -1 : 1)
  ) {
    if (LEFT_OUT.test(file)) continue;
    files[file] = encodeBase64Url(await Deno.readFile(`${data}/${file}`));
  }
  const text = new TextEncoder().encode(JSON.stringify({ about, files }));
  await Deno.writeFile(
    new URL(name + SUFFIX, FOLDER),
    await through(text, new CompressionStream("gzip")),
  );
}

if (import.meta.main) {
  const [data = "", name = "", about = "{}"] = Deno.args;
  await Deno.mkdir(FOLDER, { recursive: true });
  await pack(data, name, JSON.parse(about));
}
