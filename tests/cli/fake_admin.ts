/**
 * A stand-in for a running node's admin API.
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url } from "../../crypto/encoding.ts";
import { ADMIN_PROOF_PATH, makeAdminProof } from "../../protocol/admin_proof.ts";

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly body: unknown;
}

export type FakeAnswer = { readonly status?: number; readonly json: unknown } | Response;

export interface FakeAdmin extends AsyncDisposable {
  readonly adminFile: { readonly url: string; readonly token: string; readonly pid: number };
  readonly seen: SeenRequest[];
}

const TOKEN = "local-token";

/** @param options `isOther`: it does not know the token. Only what comes after the proof is seen. */
export function startFakeAdmin(
  answer: (request: SeenRequest) => FakeAnswer | Promise<FakeAnswer>,
  { isOther = false } = {},
): FakeAdmin {
  const seen: SeenRequest[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const url = new URL(request.url);
      if (url.pathname === ADMIN_PROOF_PATH && !isOther) return await prove(url);
      const text = await request.text();
      const entry: SeenRequest = {
        method: request.method,
        path: url.pathname + url.search,
        authorization: request.headers.get("authorization"),
        body: text === "" ? null : JSON.parse(text),
      };
      seen.push(entry);
      const result = await answer(entry);
      if (result instanceof Response) return result;
      return Response.json(result.json, { status: result.status ?? 200 });
    },
  );
  return {
    adminFile: { url: `http://127.0.0.1:${server.addr.port}`, token: TOKEN, pid: 1 },
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function prove(url: URL): Promise<Response> {
  const nonce = decodeBase64Url(url.searchParams.get("nonce") ?? "");
  return Response.json({ proof: encodeBase64Url(await makeAdminProof(TOKEN, nonce!)) });
}
