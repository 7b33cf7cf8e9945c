/**
 * The notices of the packages whose code is in bundles: their licences want to go along with every copy.
 *
 * @module
 */

const OWN_TEXTS = new URL("../packaging/licenses/", import.meta.url);

/** Published without the file that their repositories have. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "@redis/client": "redis-client.txt",
  "qrcode-generator": "qrcode-generator.txt",
};

const LICENSE_NAME = /^(licen[cs]e|copying|unlicense)/i;
const NOTICE_NAME = /^(licen[cs]e|copying|unlicense|notice|copyright|third-?party)/i;

const INTRODUCTION =
  `OpenRed contains code of the packages below. Each is under the licence that follows its name.`;
const RULE = "=".repeat(80);

/** What is written about one package. */
interface Notice {
  /** Name and version. */
  readonly name: string;
  readonly text: string;
}

/** The bundler writes the path of every module that it keeps before its code: `// ../npm/host/name/1.0.0/mod.js`. */
const PACKAGE_PATH =
  /^[ \t]*\/\/ (?:[\w-]+:)?(\S*\/npm\/[^/\s]+\/(?:@[^/\s]+\/)?[^@/\s][^/\s]*\/\d[^/\s]*\/)\S+$/gm;

/**
 * The folders of the packages whose code is in a bundle.
 * @param code As the bundler wrote it, not minified.
 * @param base Where the bundler ran, a folder.
 */
export function packagesIn(code: string, base: URL): ReadonlySet<string> {
  return new Set(Array.from(code.matchAll(PACKAGE_PATH), ([, path]) => new URL(path!, base).href));
}

async function readTexts(folder: URL): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile && NOTICE_NAME.test(name)) names.push(name);
  }
  if (!names.some((name) => LICENSE_NAME.test(name))) return [];
  return await Promise.all(names.sort().map((name) => Deno.readTextFile(new URL(name, folder))));
}

/** @throws {Error} If there is no text of its licence. */
async function readNotice(folder: URL): Promise<Notice> {
  const { name, version } = JSON.parse(await Deno.readTextFile(new URL("package.json", folder)));
  const own = LEFT_OUT[name];
  const found = await readTexts(folder);
  const texts = found.length > 0 || own === undefined
    ? found
    : [await Deno.readTextFile(new URL(own, OWN_TEXTS))];
  const text = texts.map((part) => part.replaceAll("\r\n", "\n").trim()).join("\n\n");
  if (text === "") {
    throw new Error(
      `${name} ${version} has no text of its licence: put it into packaging/licenses`,
    );
  }
  return { name: `${name} ${version}`, text };
}

function writeSections(notices: readonly Notice[]): string {
  const names = Map.groupBy(notices, ({ text }) => text);
  const sections = Array.from(names, ([text, alike]) => {
    const heading = alike.map(({ name }) => name).join("\n");
    return `${RULE}\n${heading}\n${RULE}\n\n${text}\n`;
  });
  return `${INTRODUCTION}\n\n${sections.join("\n")}`;
}

/**
 * Writes the notices of packages, and of the runtime, which is in the binaries.
 * @param folders Of packages.
 * @throws {Error} If a package has no text of its licence.
 */
export async function thirdPartyNotices(folders: Iterable<string>): Promise<string> {
  const notices = await Promise.all(
    Array.from(folders, (folder) => readNotice(new URL(folder))),
  );
  const unique = new Map(notices.map((notice) => [notice.name, notice]));
  const sorted = [...unique.values()].sort((one, other) => one.name < other.name ? -1 : 1);
  const runtime = await Deno.readTextFile(new URL("deno.txt", OWN_TEXTS));
  return writeSections([
    ...sorted,
    { name: "Deno, the runtime (in the binaries alone)", text: runtime.trim() },
  ]);
}
