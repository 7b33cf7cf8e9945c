/**
 * The page about a contact link or an invitation, which stands behind the `#` and never comes here.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { problemResponse } from "../../protocol/http.ts";

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
 * Answers what is asked below `/i/`; the files are loaded when somebody asks first.
 * @param path The path of the request below the directory's own.
 * @returns `null` for every other path.
 */
export function answerLinkPage(request: Request, path: string): Promise<Response> | null {
  if (path === "/i" || path.startsWith(PATH)) return answer(request, path);
  return null;
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
