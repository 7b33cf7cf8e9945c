/**
 * The commands of docs/MODULES.md: those between `<!-- run: NAME -->` and `<!-- end -->`, and what is said to come of
 * them behind `#>`.
 */
const GUIDE = new URL("../../docs/MODULES.md", import.meta.url);
/** The blocks that come before those of every name. */
const FOR_ALL = "all";

export interface GuideScript {
  readonly script: string;
  /** What standard output contains, in this order. */
  readonly expected: readonly string[];
}

/** Reads the blocks of a name, in their order. @throws {TypeError} Where there is none. */
export async function readGuide(name: string): Promise<GuideScript> {
  const text = await Deno.readTextFile(GUIDE);
  const blocks = [...text.matchAll(/<!-- run: (\w+) -->\s*```sh\n([\s\S]*?)```\s*<!-- end -->/g)];
  const of = (wanted: string) => blocks.filter(([, of]) => of === wanted).map(([, , body]) => body);
  if (of(name).length === 0) throw new TypeError(`docs/MODULES.md runs nothing called ${name}`);
  const script = ["set -eu", ...of(FOR_ALL), ...of(name)].join("\n");
  const expected = [...script.matchAll(/^#> (.*)$/gm)].map(([, line]) => line ?? "");
  return { script, expected };
}
