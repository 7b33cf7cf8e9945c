/**
 * The files of the console's page. They are the same for everybody and hold nothing of the node; what they ask for needs
 * a session.
 *
 * @module
 */
import { type ErrorCode, OpenRedError } from "../../protocol/errors.ts";
import { problemResponse } from "../../protocol/http.ts";

/** Where the page lies, below the console's URL. */
export const CONSOLE_PATH = "/console/";

/** What a checkout without it is told. */
export const NOT_BUILT =
  "The console was not built into this program; 'deno task console' builds it for the node's next start";

const SCRIPT = "text/javascript; charset=utf-8";

interface PageFile {
  readonly type: string;
  readonly text: string;
}

/** Code made by `deno task console`; `null` in a checkout where that was not run. */
async function loadScripts(): Promise<{ readonly page: string; readonly scan: string } | null> {
  try {
    const [page, scan] = await Promise.all([
      import("./dist/page.js", { with: { type: "text" } }),
      import("./dist/scan.js", { with: { type: "text" } }),
    ]);
    return { page: page.default as string, scan: scan.default as string };
  } catch {
    return null;
  }
}

async function loadFiles(): Promise<ReadonlyMap<string, PageFile> | null> {
  const scripts = await loadScripts();
  if (scripts === null) return null;
  const [html, css, icon] = await Promise.all([
    import("./page/index.html", { with: { type: "text" } }),
    import("./page/page.css", { with: { type: "text" } }),
    import("./page/icon.svg", { with: { type: "text" } }),
  ]);
  return new Map([
    ["", { type: "text/html; charset=utf-8", text: html.default }],
    ["page.js", { type: SCRIPT, text: scripts.page }],
    ["scan.js", { type: SCRIPT, text: scripts.scan }],
    ["page.css", { type: "text/css; charset=utf-8", text: css.default }],
    ["icon.svg", { type: "image/svg+xml", text: icon.default }],
  ]);
}

/** Answers requests for the page. Its files are read when the first one comes. */
export class PageFiles {
  #files: Promise<ReadonlyMap<string, PageFile> | null> | null = null;

  /** Why there is no page; `null` where there is one. */
  async why(): Promise<string | null> {
    return await this.#load() === null ? NOT_BUILT : null;
  }

  /** @param request Its `Host` was judged before. The answer gets its policy behind this. */
  async answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (request.headers.get("service-worker") !== null) {
      return refuse("forbidden", "The console has no service worker");
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse("method_not_allowed", "This path takes GET");
    }
    const files = await this.#load();
    if (files === null) return refuse("not_found", NOT_BUILT);
    const file = pathname.startsWith(CONSOLE_PATH)
      ? files.get(pathname.slice(CONSOLE_PATH.length))
      : undefined;
    if (file === undefined) return refuse("not_found", "There is nothing at this path");
    const body = request.method === "HEAD" ? null : file.text;
    return new Response(body, { headers: { "content-type": file.type } });
  }

  #load(): Promise<ReadonlyMap<string, PageFile> | null> {
    return this.#files ??= loadFiles();
  }
}

function refuse(code: ErrorCode, text: string): Response {
  return problemResponse(new OpenRedError(code, text));
}
