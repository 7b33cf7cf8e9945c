/**
 * Files: what is offered here, what is on its way, what this node shares, and links for people without a node.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type { LinkView, NewLinkView } from "../../../../protocol/file_links.ts";
import type { TransferView } from "../../../../protocol/file_sharing_api.ts";
import { ApiError, post } from "../api.ts";
import { bringFiles, drops } from "../dropping.ts";
import { formatBytes, shown } from "../format.ts";
import {
  CountField,
  Form,
  LifeField,
  SelectField,
  TextField,
  USUAL_LIFE_MS,
} from "../parts/fields.tsx";
import {
  dropFiles,
  DropRow,
  fileNames,
  FileRow,
  isOver,
  OfferRow,
  ShareRow,
  TransferRow,
  untilText,
} from "../parts/file_tray.tsx";
import { FilePicker } from "../parts/file_picker.tsx";
import { QrCode } from "../parts/pictures.tsx";
import {
  Badge,
  Button,
  Card,
  ConfirmDialog,
  CopyButton,
  Dialog,
  Empty,
  errorText,
  Loading,
  notify,
  Page,
  useAction,
} from "../parts/ui.tsx";
import { Name } from "../parts/who.tsx";
import type { PageOptions } from "../router.ts";
import { isOwner } from "../session.ts";
import { identity, links, openOffers, peers, shares, transfers } from "../store.ts";
import { t, tn } from "../language.ts";

/** Under this name stand files that are not for one person. */
const FOR_LINK = "link";

/** @param item Whom a file is to be sent to, or an empty text. */
export function Files({ item }: PageOptions) {
  const [sending, setSending] = useState<"peer" | "link" | null>(item === "" ? null : "peer");
  return (
    <Page
      title={t("nav.files")}
      lead={t("files.lead")}
      actions={isOwner() && (
        <>
          <Button icon="link" onClick={() => setSending("link")}>{t("files.make_link")}</Button>
          <Button kind="primary" icon="upload" onClick={() => setSending("peer")}>
            {t("files.send")}
          </Button>
        </>
      )}
    >
      <Offered />
      <Moving />
      <Over />
      <Shared />
      <Links />
      {sending === "peer" && <SendDialog to={item} onClose={() => setSending(null)} />}
      {sending === "link" && <LinkDialog onClose={() => setSending(null)} />}
    </Page>
  );
}

const by = (id: string, petname: string | null) => (
  <>
    <Name id={id} petname={petname} /> ·{" "}
  </>
);

function Offered() {
  const list = openOffers();
  if (list.length === 0) return null;
  return (
    <Card title={t("files.offers")} tone="calm">
      <ul class="list">
        {list.map((offer) => (
          <OfferRow key={offer.id} offer={offer} who={by(offer.peer, offer.petname)} />
        ))}
      </ul>
    </Card>
  );
}

function TransferList({ of }: { of: readonly TransferView[] }) {
  return (
    <ul class="list">
      {of.map((transfer) => (
        <TransferRow
          key={transfer.id}
          transfer={transfer}
          who={by(transfer.peer, transfer.petname)}
        />
      ))}
    </ul>
  );
}

function Moving() {
  const view = transfers.want();
  const moving = view?.transfers.filter((one) => !isOver(one)).toReversed() ?? [];
  return (
    <Card title={t("files.transfers")}>
      {view === null
        ? <Loading of={transfers} />
        : moving.length === 0
        ? <Empty icon="file" title={t("files.no_transfers")} />
        : <TransferList of={moving} />}
    </Card>
  );
}

function Over() {
  const over = transfers.want()?.transfers.filter(isOver).toReversed() ?? [];
  const action = useAction();
  if (over.length === 0) return null;
  const clear = async () => {
    await post("/m/file_sharing/transfers/forget");
    await transfers.load();
  };
  // What others fetched here leaves the list by itself.
  const isClearable = over.some(({ direction }) => direction === "in");
  return (
    <Card
      title={t("files.over")}
      actions={isOwner() && isClearable && (
        <Button
          kind="quiet"
          busy={action.busy}
          onClick={() => action.run(clear, t("files.cleared"))}
        >
          {t("files.clear")}
        </Button>
      )}
    >
      <TransferList of={over} />
    </Card>
  );
}

function Shared() {
  const list = shares.want()?.shares.toReversed() ?? [];
  const dropping = [...drops.value].filter(([to]) => to !== FOR_LINK).flatMap(([, all]) => all);
  if (list.length + dropping.length === 0) return null;
  return (
    <Card title={t("files.shares")}>
      <ul class="list">
        {dropping.map((drop, at) => <DropRow key={at} drop={drop} />)}
        {list.map((share) => (
          <ShareRow key={share.id} share={share} who={by(share.peer, share.petname)} />
        ))}
      </ul>
    </Card>
  );
}

function SendDialog({ to, onClose }: { to: string; onClose: () => void }) {
  const [peer, setPeer] = useState(to);
  const [files, setFiles] = useState<File[]>([]);
  const people = peers.want()?.peers.filter((one) => one.blocked_since === null) ?? [];
  return (
    <Dialog title={t("files.send")} onClose={onClose}>
      <Form
        submit={() => {
          void dropFiles(peer, files);
          onClose();
        }}
      >
        <SelectField label={t("files.to")} value={peer} required onChange={setPeer}>
          <option value="">{t("files.choose_person")}</option>
          {people.map(({ node_id: id, petname, alias }) => (
            <option key={id} value={id}>
              {shown(petname ?? (alias === null ? id : t("who.claims", { alias })))}
            </option>
          ))}
        </SelectField>
        <FilePicker files={files} onChange={setFiles} />
        <div class="row end">
          <Button kind="quiet" onClick={onClose}>{t("app.cancel")}</Button>
          <Button kind="primary" submit disabled={peer === "" || files.length === 0}>
            {t("files.send")}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}

function LinkDialog({ onClose }: { onClose: () => void }) {
  const [files, setFiles] = useState<File[]>([]);
  const [lifeMs, setLifeMs] = useState(USUAL_LIFE_MS);
  const [count, setCount] = useState(1);
  const [password, setPassword] = useState("");
  const [made, setMade] = useState<string | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const url = identity.want()?.api_url ?? null;
  const make = async () => {
    setBusy(true);
    setFailure(null);
    try {
      const paths = await bringFiles(FOR_LINK, files);
      const { path } = await post<NewLinkView>("/m/file_sharing/links", {
        paths,
        expires_at: Date.now() + lifeMs,
        count,
        ...(password === "" ? {} : { password }),
      });
      setMade(`${url}/${path}`);
      await links.load();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setFailure(errorText(error));
    } finally {
      setBusy(false);
    }
  };
  if (made !== null) {
    return (
      <Dialog title={t("files.link_made")} onClose={onClose}>
        <div class="stack">
          <QrCode text={made} label={t("files.link_code")} />
          <p class="copyable">
            <code>{made}</code>
          </p>
          <p class="muted">{t("files.link_once")}</p>
          <div class="row end">
            <CopyButton text={made} label={t("connect.copy_link")} />
            <Button kind="primary" onClick={onClose}>{t("app.done")}</Button>
          </div>
        </div>
      </Dialog>
    );
  }
  const dropping = drops.value.get(FOR_LINK) ?? [];
  return (
    <Dialog title={t("files.make_link")} onClose={onClose}>
      <Form
        submit={() => void make()}
      >
        <p class="muted">{t("files.link_text")}</p>
        {dropping.length === 0
          ? <FilePicker files={files} onChange={setFiles} />
          : <ul class="list">{dropping.map((drop, at) => <DropRow key={at} drop={drop} />)}</ul>}
        <div class="pair">
          <LifeField label={t("files.link_life")} value={lifeMs} onChange={setLifeMs} />
          <CountField label={t("files.link_count")} most={1000} value={count} onChange={setCount} />
        </div>
        <TextField
          label={t("files.link_password")}
          hint={t("files.link_password_hint")}
          type="password"
          autocomplete="new-password"
          value={password}
          onChange={setPassword}
        />
        {failure !== null && <p class="failure" role="alert">{failure}</p>}
        <div class="row end">
          <Button kind="quiet" onClick={onClose}>{t("app.cancel")}</Button>
          <Button kind="primary" submit busy={busy} disabled={files.length === 0 || url === null}>
            {t("files.make_link")}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}

function Links() {
  const list = links.want()?.links.toReversed() ?? [];
  if (list.length === 0) return null;
  return (
    <Card title={t("files.links")}>
      <ul class="list">{list.map((link) => <LinkRow key={link.id} link={link} />)}</ul>
    </Card>
  );
}

function LinkRow({ link }: { link: LinkView }) {
  const [isAsked, setAsked] = useState(false);
  const action = useAction();
  const used = Math.max(0, ...link.files.map(({ downloads }) => downloads));
  const revoke = async () => {
    await post(`/m/file_sharing/shares/${link.id}/revoke`);
    await links.load();
    notify(t("files.revoked"));
  };
  return (
    <FileRow
      name={<bdi>{fileNames(link.files)}</bdi>}
      about={
        <>
          {formatBytes(link.bytes)} · {link.count === null
            ? tn("files.fetched", used)
            : t("files.fetched_of", { used, count: link.count })}
          {untilText(link.expires_at)}
          {link.has_password && ` · ${t("files.with_password")}`}
        </>
      }
    >
      <Badge tone={link.state === "ready" ? "good" : link.state === "hashing" ? "calm" : "bad"}>
        {t(`share.${link.state}`)}
      </Badge>
      {isOwner() && (
        <Button
          kind="quiet"
          icon="trash"
          label={t("files.revoke")}
          busy={action.busy}
          onClick={() => setAsked(true)}
        />
      )}
      {isAsked && (
        <ConfirmDialog
          title={t("files.revoke")}
          confirm={t("files.revoke")}
          danger
          onClose={() => setAsked(false)}
          onConfirm={revoke}
        >
          <p>{t("files.revoke_means")}</p>
        </ConfirmDialog>
      )}
    </FileRow>
  );
}
