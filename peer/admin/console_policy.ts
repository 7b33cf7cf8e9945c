/**
 * What browsers are told with every answer of the console's listener.
 *
 * @module
 */
import { CONSOLE_ROUTES } from "../../protocol/sign_in_api.ts";

const EVERY_ANSWER: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

const NOTHING = [
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
];

/** Only the page's own folder gives code, so that nothing else that the node answers is ever run. */
function pagePolicy(origin: string): string {
  const own = `${origin}${CONSOLE_ROUTES}`;
  return [
    "default-src 'none'",
    `script-src ${own}`,
    `style-src ${own}`,
    `img-src ${own} blob:`,
    "connect-src 'self'",
    ...NOTHING,
  ].join("; ");
}

/** An answer that is no page shows and runs nothing, should a browser ever take it for one. */
const OTHER_POLICY = ["default-src 'none'", ...NOTHING, "sandbox"].join("; ");

/** The same answer under the console's policy. @param origin Of the page, or `null` for what is none of it. */
export function underPolicy(answer: Response, origin: string | null): Response {
  const headers = new Headers(answer.headers);
  for (const [name, value] of Object.entries(EVERY_ANSWER)) headers.set(name, value);
  headers.set("content-security-policy", origin === null ? OTHER_POLICY : pagePolicy(origin));
  const camera = origin === null ? "camera=()" : "camera=(self)";
  headers.set("permissions-policy", `${camera}, geolocation=(), microphone=()`);
  return new Response(answer.body, { status: answer.status, headers });
}
