/**
 * The people that this node knows, and ways to know more.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type { PeerDetail, RequestsView } from "../../../../protocol/admin_api.ts";
import {
  Button,
  Card,
  ConfirmDialog,
  Empty,
  LinkButton,
  Loading,
  Other,
  Page,
  useAction,
} from "../parts/ui.tsx";
import { StateBadge } from "../parts/state_badge.tsx";
import { Avatar, Name, plainName } from "../parts/who.tsx";
import { post } from "../api.ts";
import { type PageOptions, placeLink } from "../router.ts";
import { isOwner } from "../session.ts";
import { openInvitations, peers, requests } from "../store.ts";
import { t, tx } from "../language.ts";
import { Connect } from "./connect.tsx";
import { Invite, OpenInvitations } from "./invite.tsx";
import { Person } from "./person.tsx";

export function People({ item }: PageOptions) {
  if (item === "connect") return <Connect />;
  if (item === "invite") return <Invite />;
  if (item !== "") return <Person id={item} />;
  return <PeopleList />;
}

function PeopleList() {
  const [text, setText] = useState("");
  const view = peers.want();
  const awaited = isOwner() && openInvitations().length > 0;
  const wanted = text.trim().toLowerCase();
  const found =
    view?.peers.filter((peer) =>
      [peer.petname, peer.alias, peer.node_id].some((name) => name?.toLowerCase().includes(wanted))
    ) ?? [];
  const rank = (peer: PeerDetail) =>
    peer.blocked_since !== null ? 3 : peer.sessions > 0 ? 0 : peer.permissions.length > 0 ? 1 : 2;
  const sorted = found.toSorted((a, b) =>
    rank(a) - rank(b) || plainName(a.node_id).localeCompare(plainName(b.node_id))
  );
  return (
    <Page
      title={t("nav.people")}
      lead={t("people.lead")}
      actions={isOwner() && (
        <>
          <LinkButton href={placeLink("people", "invite")} icon="qr">
            {t("people.invite")}
          </LinkButton>
          <LinkButton href={placeLink("people", "connect")} icon="plus" kind="primary">
            {t("people.connect")}
          </LinkButton>
        </>
      )}
    >
      {isOwner() && <Requests />}
      {view === null ? <Loading of={peers} /> : view.peers.length === 0
        ? (
          <Card>
            <Empty icon="people" title={t(awaited ? "people.nobody_came" : "people.nobody")}>
              <p class="muted">{t("people.nobody_hint")}</p>
            </Empty>
          </Card>
        )
        : (
          <Card>
            <input
              type="search"
              class="search"
              placeholder={t("people.search")}
              aria-label={t("people.search")}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
            <ul class="list">
              {sorted.map((peer) => <PersonRow key={peer.node_id} peer={peer} />)}
            </ul>
            {sorted.length === 0 && <p class="muted">{t("people.none_found")}</p>}
          </Card>
        )}
      {awaited && <OpenInvitations />}
    </Page>
  );
}

function PersonRow({ peer }: { peer: PeerDetail }) {
  const { node_id: id, petname, alias } = peer;
  return (
    <li>
      <a class="list-row" href={placeLink("people", id)}>
        <Avatar id={id} name={plainName(id, petname)} here={peer.sessions > 0} />
        <span class="grow two-lines">
          <strong>
            <Name id={id} petname={petname} />
          </strong>
          <small class="muted">
            {petname !== null && alias !== null && alias !== petname
              ? tx("people.calls_itself", { alias: <Other text={alias} /> })
              : peer.last_error !== null
              ? t("people.cannot_reach")
              : <code class="id">{id}</code>}
          </small>
        </span>
        <StateBadge peer={peer} />
      </a>
    </li>
  );
}

function Requests() {
  const list = requests.want()?.requests ?? [];
  if (list.length === 0) return null;
  return (
    <Card title={t("requests.title")} tone="calm">
      <p class="muted">{t("requests.text")}</p>
      <ul class="list">
        {list.map((request) => <RequestRow key={request.peer} request={request} />)}
      </ul>
    </Card>
  );
}

function RequestRow({ request }: { request: RequestsView["requests"][number] }) {
  const { peer, alias, connected } = request;
  const [blocking, setBlocking] = useState(false);
  const action = useAction();
  const called = alias === null ? <code class="id">{peer}</code> : (
    <>
      “<Other text={alias} />”
    </>
  );
  const answer = (path: string, more: object, done: string) =>
    action.run(async () => {
      await post(`/admin/v1/requests/${path}`, { peer, ...more });
      await Promise.all([requests.load(), peers.load()]);
    }, done);
  return (
    <li class="list-row top">
      <Avatar id={peer} name={alias ?? peer} here={connected} />
      <div class="grow two-lines">
        <strong>{called}</strong>
        <small class="muted">
          <code class="id">{peer}</code>
        </small>
        {isOwner() && (
          <div class="row">
            <Button
              kind="primary"
              busy={action.busy}
              onClick={() => answer("accept", {}, t("requests.accepted"))}
            >
              {t("requests.accept")}
            </Button>
            <Button
              busy={action.busy}
              onClick={() => answer("decline", {}, t("requests.declined"))}
            >
              {t("requests.decline")}
            </Button>
            <Button kind="quiet" icon="block" onClick={() => setBlocking(true)}>
              {t("person.block")}
            </Button>
          </div>
        )}
      </div>
      {blocking && (
        <ConfirmDialog
          title={
            <>
              {t("person.block")} · {called}
            </>
          }
          confirm={t("person.block")}
          danger
          onClose={() => setBlocking(false)}
          onConfirm={async () => {
            await post("/admin/v1/requests/decline", { peer });
            await post("/admin/v1/peers/block", { peer });
            await Promise.all([requests.load(), peers.load()]);
          }}
        >
          <p>{t("person.block_means")}</p>
        </ConfirmDialog>
      )}
    </li>
  );
}
