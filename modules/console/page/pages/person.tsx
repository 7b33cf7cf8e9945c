/**
 * One person: what they are called, what they may do, and whether it is them.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks";
import type { PeerDetail, SessionView } from "../../../../protocol/admin_api.ts";
import { post } from "../api.ts";
import { troubleText } from "../codes.ts";
import { formatDate, formatDuration, shown } from "../format.ts";
import { Form, TextField } from "../parts/fields.tsx";
import { SafetyImage } from "../parts/pictures.tsx";
import { Way } from "../parts/relay_note.tsx";
import {
  Button,
  Card,
  ConfirmDialog,
  CopyButton,
  Dialog,
  Empty,
  Fact,
  LinkButton,
  Loading,
  Other,
  Page,
  useAction,
} from "../parts/ui.tsx";
import { Avatar, Name, plainName } from "../parts/who.tsx";
import { go, placeLink } from "../router.ts";
import { type SafetyNumber, safetyNumber } from "../safety.ts";
import { isOwner } from "../session.ts";
import { peers, status } from "../store.ts";
import { hasWord, t, tn, tx, wordOr } from "../language.ts";
import { StateBadge } from "../parts/state_badge.tsx";

export function Person({ id }: { id: string }) {
  const view = peers.want();
  const now = status.want();
  if (view === null) {
    return (
      <Page title={t("nav.people")}>
        <Loading />
      </Page>
    );
  }
  const peer = view.peers.find((one) => one.node_id === id);
  if (peer === undefined) {
    return (
      <Page title={t("nav.people")}>
        <Card>
          <Empty icon="people" title={t("person.unknown")}>
            <LinkButton href={placeLink("people")}>{t("app.back")}</LinkButton>
          </Empty>
        </Card>
      </Page>
    );
  }
  const sessions = now?.sessions.filter((session) => session.peer === id) ?? [];
  return (
    <Page
      title={
        <span class="with-avatar">
          <Avatar id={id} name={plainName(id, peer.petname)} here={peer.sessions > 0} size={56} />
          <Name id={id} petname={peer.petname} />
        </span>
      }
      lead={
        <>
          <StateBadge peer={peer} />{" "}
          {peer.alias !== null && tx("people.calls_itself", { alias: <Other text={peer.alias} /> })}
        </>
      }
      actions={peer.blocked_since === null && (
        <>
          <LinkButton href={placeLink("files", id)} icon="upload">
            {t("person.send_files")}
          </LinkButton>
          <LinkButton href={placeLink("chats", id)} icon="chat" kind="primary">
            {t("person.write")}
          </LinkButton>
        </>
      )}
    >
      {peer.invited && (
        <Card tone="calm">
          <p>{t("person.invited")}</p>
        </Card>
      )}
      {peer.last_error !== null && <Trouble peer={peer} />}
      <div class="columns">
        <div class="stack">
          <About peer={peer} sessions={sessions} />
          <Permissions peer={peer} names={view.permission_names} />
        </div>
        <div class="stack">
          <Safety peer={peer} own={now?.node_id ?? null} />
          {isOwner() && <Leaving peer={peer} />}
        </div>
      </div>
    </Page>
  );
}

function Trouble({ peer }: { peer: PeerDetail }) {
  const trouble = peer.last_error!;
  return (
    <Card tone="warn">
      <p>
        {troubleText(trouble)} {tx("person.trouble_since", { when: formatDate(trouble.since) })}
        {" "}
        {trouble.next_try_in_ms !== null &&
          t("person.next_try", { time: formatDuration(trouble.next_try_in_ms) })}
      </p>
    </Card>
  );
}

function About({ peer, sessions }: { peer: PeerDetail; sessions: readonly SessionView[] }) {
  const [renaming, setRenaming] = useState(false);
  const [newest] = sessions.toSorted((a, b) => a.age_ms - b.age_ms);
  return (
    <Card
      title={t("person.about")}
      actions={isOwner() && (
        <Button kind="quiet" icon="edit" onClick={() => setRenaming(true)}>
          {t("person.rename")}
        </Button>
      )}
    >
      <dl class="facts">
        <Fact name={t("person.id")}>
          <code class="id whole">{peer.node_id}</code>
        </Fact>
        <Fact name={t("person.name_here")}>
          {peer.petname === null
            ? <span class="muted">{t("person.no_name")}</span>
            : <Other text={peer.petname} />}
        </Fact>
        {newest !== undefined && (
          <Fact name={t("person.connection")}>
            {newest.post_quantum ? t("network.post_quantum") : t("network.classic")},{" "}
            {t("person.since", { time: formatDuration(newest.age_ms) })}
          </Fact>
        )}
        {peer.way !== null && (
          <Fact name={t("network.way")}>
            <Way of={peer.way} />
          </Fact>
        )}
        {peer.outbox > 0 && (
          <Fact name={t("person.waiting")}>{tn("person.waits", peer.outbox)}</Fact>
        )}
        {peer.groups.length > 0 && <Fact name={t("person.groups")}>{peer.groups.join(", ")}</Fact>}
      </dl>
      {renaming && <Rename peer={peer} onClose={() => setRenaming(false)} />}
    </Card>
  );
}

function Rename({ peer, onClose }: { peer: PeerDetail; onClose: () => void }) {
  const [name, setName] = useState(peer.petname ?? "");
  const action = useAction();
  return (
    <Dialog title={t("person.rename")} onClose={onClose}>
      <Form
        submit={() => {
          action.run(async () => {
            const given = name.trim();
            await post("/admin/v1/peers/alias", {
              peer: peer.node_id,
              name: given === "" ? null : given,
            });
            await Promise.all([peers.load(), status.load()]);
            onClose();
          });
        }}
      >
        <TextField
          label={t("person.name_here")}
          hint={t("connect.name_hint")}
          maxLength={64}
          autocomplete="off"
          value={name}
          onChange={setName}
        />
        <div class="row end">
          <Button kind="quiet" onClick={onClose}>{t("app.cancel")}</Button>
          <Button kind="primary" submit busy={action.busy}>{t("app.save")}</Button>
        </div>
      </Form>
    </Dialog>
  );
}

/** In the order of how often they are thought about. */
const MAIN_PERMISSIONS = ["message", "files", "files_auto", "auth"];

function Permissions({ peer, names }: { peer: PeerDetail; names: readonly string[] }) {
  const action = useAction();
  if (peer.blocked_since !== null) return null;
  const decide = (permission: string, allowed: boolean) =>
    action.run(async () => {
      await post(`/admin/v1/peers/${allowed ? "allow" : "deny"}`, {
        peer: peer.node_id,
        permission,
      });
      await Promise.all([peers.load(), status.load()]);
    });
  const row = (name: string) => {
    const key = `permission.${name}`;
    const hint = wordOr(`${key}_hint`, "");
    return (
      <li key={name}>
        <label class="list-row switch-row">
          <span class="grow two-lines">
            <span>{hasWord(key) ? t(key) : <code>{shown(name)}</code>}</span>
            {hint !== "" && <small class="muted">{hint}</small>}
          </span>
          <input
            type="checkbox"
            role="switch"
            checked={peer.permissions.includes(name)}
            disabled={!isOwner()}
            onChange={(event) => decide(name, event.currentTarget.checked)}
          />
        </label>
      </li>
    );
  };
  const isPlain = (name: string) => hasWord(`permission.${name}`);
  const others = names.filter((name) => !isPlain(name));
  return (
    <Card title={t("person.may")}>
      <ul class="list">{MAIN_PERMISSIONS.filter((name) => names.includes(name)).map(row)}</ul>
      {others.length > 0 && (
        <details>
          <summary>{t("person.may_more")}</summary>
          <ul class="list">{others.map(row)}</ul>
        </details>
      )}
    </Card>
  );
}

function Safety({ peer, own }: { peer: PeerDetail; own: string | null }) {
  const [number, setNumber] = useState<SafetyNumber | null>(null);
  useEffect(() => {
    if (own === null) return;
    let isShown = true;
    safetyNumber(own, peer.node_id).then((made) => isShown && setNumber(made));
    return () => isShown = false;
  }, [own, peer.node_id]);
  return (
    <Card title={t("safety.title")}>
      {number === null ? <Loading /> : (
        <div class="safety-pair">
          <SafetyImage picture={number.picture} label={t("safety.picture")} />
          <ol class="safety-words" lang="en" translate={false}>
            {number.words.map((word, at) => <li key={at}>{word}</li>)}
          </ol>
        </div>
      )}
      <p class="muted">{t("safety.text")}</p>
      {number !== null && (
        <div class="row">
          <CopyButton text={number.words.join(" ")} label={t("safety.copy")} />
        </div>
      )}
    </Card>
  );
}

function Leaving({ peer }: { peer: PeerDetail }) {
  const [asked, setAsked] = useState<"block" | "forget" | null>(null);
  const action = useAction();
  const ask = async (path: string) => {
    await post(`/admin/v1/peers/${path}`, { peer: peer.node_id });
    await Promise.all([peers.load(), status.load()]);
  };
  if (peer.blocked_since !== null) {
    return (
      <Card title={t("person.blocked")} tone="warn">
        <p>{tx("person.blocked_since", { when: formatDate(peer.blocked_since) })}</p>
        <Button
          busy={action.busy}
          onClick={() => action.run(() => ask("unblock"), t("person.unblocked"))}
        >
          {t("person.unblock")}
        </Button>
      </Card>
    );
  }
  return (
    <Card title={t("person.leaving")}>
      <div class="row">
        <Button kind="danger" icon="block" onClick={() => setAsked("block")}>
          {t("person.block")}
        </Button>
        <Button kind="quiet" icon="trash" onClick={() => setAsked("forget")}>
          {t("person.forget")}
        </Button>
      </div>
      {asked !== null && (
        <ConfirmDialog
          title={
            <>
              {t(`person.${asked}`)} · <Name id={peer.node_id} petname={peer.petname} />
            </>
          }
          confirm={t(`person.${asked}`)}
          danger
          onClose={() => setAsked(null)}
          onConfirm={async () => {
            await ask(asked);
            if (asked === "forget") go("people");
          }}
        >
          <p>{t(`person.${asked}_means`)}</p>
        </ConfirmDialog>
      )}
    </Card>
  );
}
