/**
 * The page of links to files, as a relay serves it: the files of the module, loaded when somebody asks first.
 *
 * @module
 */
const HEADERS = {
  "cache-control": "no-store, no-transform",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

/**
 * Gives a file of the page.
 * @param name `""` for the page itself.
 * @returns `null` for a name that is none of its files.
 */
export async function linkPage(name: string): Promise<Response | null> {
  const { LINK_FILES, LINK_PAGE } = await import("./modules/file_sharing/links/page_files.ts");
  const file = name === "" ? LINK_PAGE : LINK_FILES.get(name);
  if (file === undefined) return null;
  const headers = { ...file.headers, ...HEADERS, "content-type": file.type };
  return new Response(file.body, { headers });
}
