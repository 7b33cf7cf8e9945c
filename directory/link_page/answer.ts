/**
 * The page about a contact link or an invitation, which stands behind the `#` and never comes here.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { problemResponse } from "../../protocol/http.ts";
import { pathOf } from "../plain_look_up.ts";

const PATH = "/i/";
const ALLOW = "GET, HEAD";

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "public, max-age=3600",
};

/**
 * Makes what answers below `/i/`; the files are loaded when somebody asks first.
 * @param url Of the directory or relay: whether a proxy leaves its path there or not.
 * @returns `null` for every other path.
 */
export function linkPageOf(url: string): (request: Request) => Promise<Response> | null {
  const base = new URL(url).pathname.replace(/\/$/, "");
  return (request) => {
    const whole = pathOf(request.url);
    const path = base !== "" && whole.startsWith(`${base}/`) ? whole.slice(base.length) : whole;
    return path === "/i" || path.startsWith(PATH) ? answer(request, path) : null;
  };
}

async function answer({ method }: Request, path: string): Promise<Response> {
  if (method !== "GET" && method !== "HEAD") {
    const refused = problemResponse(
      new OpenRedError("method_not_allowed", `This path takes ${ALLOW}`),
    );
    refused.headers.set("allow", ALLOW);
    return refused;
  }
  // A browser keeps what stands behind the #.
  if (path === "/i") return new Response(null, { status: 308, headers: { location: "i/" } });
  const { PAGE_FILES } = await import("./files.ts");
  const file = PAGE_FILES.get(path.slice(PATH.length));
  if (file === undefined) {
    return problemResponse(new OpenRedError("not_found", "There is nothing here"));
  }
  const headers = { ...HEADERS, "content-type": file.type };
  return new Response(method === "HEAD" ? null : file.text, { headers });
}
