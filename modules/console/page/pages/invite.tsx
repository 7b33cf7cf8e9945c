/**
 * Inviting somebody who does not know this node yet.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type { InvitationView, NewInvitationView } from "../../../../protocol/invitation_api.ts";
import { post } from "../api.ts";
import { formatDate } from "../format.ts";
import { CountField, Form, LifeField, TextField, USUAL_LIFE_MS } from "../parts/fields.tsx";
import { QrCode } from "../parts/pictures.tsx";
import { Button, Card, CopyButton, Loading, Other, Page, useAction } from "../parts/ui.tsx";
import { invitations, openInvitations } from "../store.ts";
import { t, tn, tx } from "../language.ts";
import { OwnLink } from "./connect.tsx";

export function Invite() {
  return (
    <Page title={t("people.invite")} lead={t("invite.lead")}>
      {invitations.isMissing ? <OwnLink /> : (
        <div class="columns">
          <NewInvitationCard />
          <div class="stack">
            <OpenInvitations />
            <OwnLink />
          </div>
        </div>
      )}
    </Page>
  );
}

/** Those that wait for somebody. */
export function OpenInvitations() {
  const list = openInvitations();
  return (
    <Card title={t("invite.open")}>
      {invitations.want() === null
        ? <Loading of={invitations} />
        : list.length === 0
        ? <p class="muted">{t("invite.none")}</p>
        : (
          <ul class="list">
            {list.map((one) => <InvitationRow key={one.invitation} invitation={one} />)}
          </ul>
        )}
    </Card>
  );
}

/** Making an invitation, and its code once it is made. */
export function NewInvitationCard() {
  const [name, setName] = useState("");
  const [lifeMs, setLifeMs] = useState(USUAL_LIFE_MS);
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
      <Form
        submit={() => {
          action.run(async () => {
            const given = name.trim();
            const input = {
              uses,
              expires_ms: lifeMs,
              ...(given === "" || uses > 1 ? {} : { name: given }),
            };
            setMade(await post<NewInvitationView>("/admin/v1/invitations", input));
            await invitations.load();
          });
        }}
      >
        <TextField
          label={t("invite.name")}
          hint={t("invite.name_hint")}
          maxLength={64}
          value={name}
          onChange={setName}
        />
        <LifeField label={t("invite.life")} value={lifeMs} onChange={setLifeMs} />
        <CountField label={t("invite.uses")} most={100} value={uses} onChange={setUses} />
        <div class="row">
          <Button kind="primary" submit busy={action.busy}>{t("invite.make")}</Button>
        </div>
      </Form>
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
