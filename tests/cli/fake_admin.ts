/** A stand-in for a running node's admin API. */

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

export function startFakeAdmin(
  answer: (request: SeenRequest) => FakeAnswer | Promise<FakeAnswer>,
): FakeAdmin {
  const seen: SeenRequest[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const url = new URL(request.url);
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
    adminFile: { url: `http://127.0.0.1:${server.addr.port}`, token: "local-token", pid: 1 },
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
