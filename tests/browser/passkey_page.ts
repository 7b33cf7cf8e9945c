/**
 * A page of the console that does what its real one does with passkeys, for tests.
 *
 * @module
 */

/** Calls the console, and keeps the secret that it answers. */
const SCRIPT = `
const decode = (text) => Uint8Array.from(
  atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
globalThis.ask = async (method, path, content) => {
  const headers = {};
  const secret = localStorage.getItem("openred_session");
  if (secret !== null) headers["OpenRed-Session"] = secret;
  if (method === "POST") headers["content-type"] = "application/json";
  const body = method === "POST" ? JSON.stringify(content ?? {}) : undefined;
  const response = await fetch(path, { method, headers, body });
  const answer = await response.json();
  if (typeof answer.session === "string") localStorage.setItem("openred_session", answer.session);
  return { status: response.status, body: answer };
};
globalThis.enrol = async (name) => {
  const path = "/auth/v1/factors/passkey";
  const { body } = await ask("POST", path + "/options", { name });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(body);
  try {
    const made = await navigator.credentials.create({ publicKey });
    return { name, response: made.toJSON() };
  } catch (error) {
    return { error: error.name };
  }
};
globalThis.show = async (optionsPath, content, change = {}) => {
  const { body } = await ask("POST", optionsPath, content);
  if (body.passkey === null) return { error: "none" };
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({ ...body.passkey, ...change });
  try {
    const shown = await navigator.credentials.get({ publicKey });
    return { passkey: shown.toJSON() };
  } catch (error) {
    return { error: error.name };
  }
};
`;

/** Serves it at `/console/`, its script as a file: the console's policy lets none run that stands in a page. */
export function passkeyPage(request: Request): Response | null {
  switch (new URL(request.url).pathname) {
    case "/console/":
      return new Response(`<!doctype html><title>Passkeys</title><script src="page.js"></script>`, {
        headers: { "content-type": "text/html" },
      });
    case "/console/page.js":
      return new Response(SCRIPT, { headers: { "content-type": "text/javascript" } });
    default:
      return null;
  }
}
