/**
 * The files of the console's page. They are the same for everybody and hold nothing of the node; what they ask for needs
 * a session.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { problemResponse } from "../../protocol/http.ts";

/** Where the page lies, below the console's URL. */
export const CONSOLE_PATH = "/console/";

interface PageFile {
  readonly type: string;
  readonly text: string;
}

/** Only the page's own folder gives code, so that nothing else that the node answers is ever run. */
function policyOf(origin: string): string {
  const own = `${origin}${CONSOLE_PATH}`;
  return [
    "default-src 'none'",
    `script-src ${own}`,
    `style-src ${own}`,
    `img-src ${own} blob:`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

function headersOf(origin: string): Record<string, string> {
  return {
    "cache-control": "no-store",
    "content-security-policy": policyOf(origin),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  };
}

/** Code made by `deno task console`; `null` in a checkout where that was not run. */
async function loadScript(): Promise<string | null> {
  try {
    return (await import("./dist/page.js", { with: { type: "text" } })).default as string;
  } catch {
    return null;
  }
}

async function loadFiles(): Promise<ReadonlyMap<string, PageFile> | null> {
  const script = await loadScript();
  if (script === null) return null;
  const [html, css, icon] = await Promise.all([
    import("./page/index.html", { with: { type: "text" } }),
    import("./page/page.css", { with: { type: "text" } }),
    import("./page/icon.svg", { with: { type: "text" } }),
  ]);
  return new Map([
    ["", { type: "text/html; charset=utf-8", text: html.default }],
    ["page.js", { type: "text/javascript; charset=utf-8", text: script }],
    ["page.css", { type: "text/css; charset=utf-8", text: css.default }],
    ["icon.svg", { type: "image/svg+xml", text: icon.default }],
  ]);
}

/** Answers requests for the page. Its files are read when the first one comes. */
export class PageFiles {
  #files: Promise<ReadonlyMap<string, PageFile> | null> | null = null;

  /** @param request Its `Host` was judged before. */
  async answer(request: Request): Promise<Response> {
    const { origin, pathname } = new URL(request.url);
    const headers = headersOf(origin);
    if (request.headers.get("service-worker") !== null) {
      return refuse(new OpenRedError("forbidden", "The console has no service worker"), headers);
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(new OpenRedError("method_not_allowed", "This path takes GET"), headers);
    }
    if (`${pathname}/` === CONSOLE_PATH) {
      return new Response(null, { status: 302, headers: { ...headers, location: CONSOLE_PATH } });
    }
    const files = await (this.#files ??= loadFiles());
    if (files === null) {
      const text = "The console was not built into this program: deno task console";
      return refuse(new OpenRedError("not_found", text), headers);
    }
    const file = pathname.startsWith(CONSOLE_PATH)
      ? files.get(pathname.slice(CONSOLE_PATH.length))
      : undefined;
    if (file === undefined) {
      return refuse(new OpenRedError("not_found", "There is nothing at this path"), headers);
    }
    const body = request.method === "HEAD" ? null : file.text;
    return new Response(body, { headers: { ...headers, "content-type": file.type } });
  }
}

function refuse(error: OpenRedError, headers: Record<string, string>): Response {
  const { status, headers: own, body } = problemResponse(error);
  return new Response(body, { status, headers: { ...Object.fromEntries(own), ...headers } });
}
