/**
 * Inviting somebody who does not know this node yet.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type { InvitationView, NewInvitationView } from "../../../../protocol/invitation_api.ts";
import { post } from "../api.ts";
import { formatDate } from "../format.ts";
import { QrCode } from "../parts/pictures.tsx";
import { Button, Card, CopyButton, Field, Loading, Other, Page, useAction } from "../parts/ui.tsx";
import { invitations } from "../store.ts";
import { t, tn, tx } from "../language.ts";
import { OwnLink } from "./connect.tsx";

const DAY_MS = 86_400_000;
const LIVES = [1, 7, 30] as const;

export function Invite() {
  const list = invitations.want()?.invitations.filter(({ state }) => state === "open") ?? null;
  const isMissing = invitations.error.value?.code === "not_found";
  return (
    <Page title={t("people.invite")} lead={t("invite.lead")}>
      {isMissing ? <OwnLink /> : (
        <div class="columns">
          <NewInvitationCard />
          <div class="stack">
            <Card title={t("invite.open")}>
              {list === null
                ? <Loading />
                : list.length === 0
                ? <p class="muted">{t("invite.none")}</p>
                : (
                  <ul class="list">
                    {list.map((one) => <InvitationRow key={one.invitation} invitation={one} />)}
                  </ul>
                )}
            </Card>
            <OwnLink />
          </div>
        </div>
      )}
    </Page>
  );
}

/** Making an invitation, and its code once it is made. */
export function NewInvitationCard() {
  const [name, setName] = useState("");
  const [days, setDays] = useState<number>(7);
  const [uses, setUses] = useState(1);
  const [made, setMade] = useState<NewInvitationView | null>(null);
  const action = useAction();
  if (made !== null) {
    const text = made.page ?? made.link;
    return (
      <Card title={t("invite.made")}>
        <div class="stack">
          <QrCode text={text} label={t("invite.code")} />
          <p class="copyable">
            <code>{text}</code>
          </p>
          <p class="muted">{t("invite.once", { when: formatDate(made.expires_at) })}</p>
          <div class="row">
            <CopyButton text={text} label={t("connect.copy_link")} />
            <Button kind="quiet" onClick={() => setMade(null)}>{t("invite.another")}</Button>
          </div>
        </div>
      </Card>
    );
  }
  return (
    <Card title={t("invite.new")}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          action.run(async () => {
            const given = name.trim();
            const input = {
              uses,
              expires_ms: days * DAY_MS,
              ...(given === "" || uses > 1 ? {} : { name: given }),
            };
            setMade(await post<NewInvitationView>("/admin/v1/invitations", input));
            await invitations.load();
          });
        }}
      >
        <Field label={t("invite.name")} hint={t("invite.name_hint")}>
          {(ids) => (
            <input
              {...ids}
              maxLength={64}
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label={t("invite.life")}>
          {(ids) => (
            <select
              {...ids}
              value={days}
              onChange={(event) => setDays(Number(event.currentTarget.value))}
            >
              {LIVES.map((one) => <option key={one} value={one}>{tn("time.days", one)}</option>)}
            </select>
          )}
        </Field>
        <Field label={t("invite.uses")}>
          {(ids) => (
            <input
              {...ids}
              type="number"
              min={1}
              max={100}
              value={uses}
              onInput={(event) =>
                setUses(Math.max(1, Math.min(100, event.currentTarget.valueAsNumber || 1)))}
            />
          )}
        </Field>
        <div class="row">
          <Button kind="primary" submit busy={action.busy}>{t("invite.make")}</Button>
        </div>
      </form>
    </Card>
  );
}

function InvitationRow({ invitation }: { invitation: InvitationView }) {
  const action = useAction();
  const { invitation: id, name, uses, used_by: users, expires_at: at } = invitation;
  const left = uses - users.length;
  return (
    <li class="list-row">
      <span class="grow two-lines">
        <strong>{name === null ? t("invite.unnamed") : <Other text={name} />}</strong>
        <small class="muted">
          {tn("invite.left", left)} · {tx("invite.until", { when: formatDate(at) })}
        </small>
      </span>
      <Button
        kind="quiet"
        icon="trash"
        label={t("invite.revoke")}
        busy={action.busy}
        onClick={() =>
          action.run(async () => {
            await post("/admin/v1/invitations/revoke", { invitation: id });
            await invitations.load();
          }, t("invite.revoked"))}
      />
    </li>
  );
}
