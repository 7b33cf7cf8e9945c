/**
 * Passkeys as the browser speaks of them, and as JSON.
 *
 * @module
 */

type Json = Record<string, unknown>;

interface PasskeyClass {
  parseRequestOptionsFromJSON(options: Json): PublicKeyCredentialRequestOptions;
  parseCreationOptionsFromJSON(options: Json): PublicKeyCredentialCreationOptions;
}

interface JsonCredential extends Credential {
  toJSON(): Json;
}

function passkeys(): PasskeyClass {
  return PublicKeyCredential as unknown as PasskeyClass;
}

/** Whether this browser can use one. */
export function hasPasskeys(): boolean {
  return "PublicKeyCredential" in globalThis &&
    "parseRequestOptionsFromJSON" in PublicKeyCredential;
}

/** Has the person confirm. @throws {DOMException} Where they do not. */
export async function usePasskey(options: Json): Promise<Json> {
  const publicKey = passkeys().parseRequestOptionsFromJSON(options);
  const credential = await navigator.credentials.get({ publicKey });
  return (credential as JsonCredential).toJSON();
}

/** Makes one. @throws {DOMException} Where the person does not want to. */
export async function makePasskey(options: Json): Promise<Json> {
  const publicKey = passkeys().parseCreationOptionsFromJSON(options);
  const credential = await navigator.credentials.create({ publicKey });
  return (credential as JsonCredential).toJSON();
}
