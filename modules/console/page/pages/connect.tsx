/**
 * Getting to know somebody by their link.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type { SessionView } from "../../../../protocol/admin_api.ts";
import { ApiError, post } from "../api.ts";
import { Form, TextArea, TextField } from "../parts/fields.tsx";
import { QrCode } from "../parts/pictures.tsx";
import { ScanButton } from "../parts/scan.tsx";
import { Button, Card, CopyButton, errorText, Loading, Page } from "../parts/ui.tsx";
import { go } from "../router.ts";
import { identity, peers, status } from "../store.ts";
import { t, tx } from "../language.ts";

/** A link of a node, or the page of a directory that shows one. */
const CONTACT_LINK =
  /^(?:https?:\/\/\S+\/i\/#)?(openred:([1-9A-HJ-NP-Za-km-z]{40,50})(?:[/?]\S*)?)$/i;
const WAIT_MS = 15_000;

/** Whether a text leads to somebody: what a scanned code must be. */
function isContact(text: string): boolean {
  return CONTACT_LINK.test(text.trim());
}

function idIn(text: string): string | null {
  return CONTACT_LINK.exec(text)?.[2] ?? null;
}

function linkIn(text: string): string {
  return CONTACT_LINK.exec(text)?.[1] ?? text;
}

export function Connect() {
  return (
    <Page title={t("people.connect")} lead={t("connect.lead")}>
      <div class="columns">
        <ConnectCard />
        <OwnLink />
      </div>
    </Page>
  );
}

/** Opening the link of somebody, or scanning their code. */
export function ConnectCard() {
  const [text, setText] = useState("");
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const peer = text.trim();
  const connect = async () => {
    setBusy(true);
    setFailure(null);
    try {
      const session = await meet(linkIn(peer));
      if (name.trim() !== "") {
        await post("/admin/v1/peers/alias", { peer: session, name: name.trim() });
      }
      await Promise.all([peers.load(), status.load()]);
      go("people", session);
    } catch (error) {
      const isUnread = error instanceof ApiError && error.code === "not_found" && !isContact(peer);
      setFailure(isUnread ? t("connect.no_link") : errorText(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Card title={t("connect.theirs")}>
      <Form
        submit={() => {
          if (peer !== "" && !busy) void connect();
        }}
      >
        <TextArea
          label={t("connect.link")}
          hint={t("connect.link_hint")}
          rows={3}
          value={text}
          onChange={setText}
        />
        {idIn(peer) !== null && (
          <p class="hint">
            {tx("connect.leads_to", { id: <code class="id">{idIn(peer)}</code> })}
          </p>
        )}
        <TextField
          label={t("connect.name")}
          hint={t("connect.name_hint")}
          maxLength={64}
          autocomplete="off"
          value={name}
          onChange={setName}
        />
        {failure !== null && <p class="failure" role="alert">{failure}</p>}
        <div class="row">
          <Button kind="primary" submit busy={busy} disabled={peer === ""}>
            {busy ? t("connect.connecting") : t("people.connect")}
          </Button>
          <ScanButton fits={isContact} onFound={setText} />
        </div>
      </Form>
    </Card>
  );
}

/** Accepts somebody. That they cannot be reached now is no failure: the node goes on trying. @returns Their id. */
async function meet(peer: string): Promise<string> {
  try {
    return (await post<SessionView>("/admin/v1/connect", { peer, wait_ms: WAIT_MS })).peer;
  } catch (error) {
    const id = idIn(peer);
    if (!(error instanceof ApiError) || error.code !== "unreachable" || id === null) throw error;
    await peers.load();
    if (!peers.value.value?.peers.some((one) => one.node_id === id)) throw error;
    return id;
  }
}

export function OwnLink() {
  const own = identity.want();
  return (
    <Card title={t("connect.yours")}>
      {own === null ? <Loading /> : (
        <div class="stack">
          <p class="muted">{t("connect.yours_text")}</p>
          <QrCode text={own.contact} label={t("connect.yours_code")} />
          <p class="copyable">
            <code>{own.contact}</code>
          </p>
          <div class="row">
            <CopyButton text={own.contact} label={t("connect.copy_link")} />
          </div>
        </div>
      )}
    </Card>
  );
}
