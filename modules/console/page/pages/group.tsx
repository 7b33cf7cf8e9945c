/**
 * Groups of a conversation: founding one, and who is in it.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type { GroupView } from "../../../../protocol/groups_api.ts";
import { post } from "../api.ts";
import { Form, TextField } from "../parts/fields.tsx";
import { Badge, Button, ConfirmDialog, Dialog, Loading, Other, useAction } from "../parts/ui.tsx";
import { Avatar, Name, plainName } from "../parts/who.tsx";
import { go } from "../router.ts";
import { isOwner } from "../session.ts";
import { conversations, groups, peers, status } from "../store.ts";
import { t, tx } from "../language.ts";

/** Asks again for what changes with a group. */
export async function reloadGroups(): Promise<void> {
  await Promise.all([groups.load(), conversations.load()]);
}

function PeoplePicker(
  { chosen, without, onChange }: {
    chosen: readonly string[];
    without: readonly string[];
    onChange: (chosen: string[]) => void;
  },
) {
  const view = peers.want();
  if (view === null) return <Loading />;
  const fitting = view.peers.filter((peer) =>
    peer.blocked_since === null && peer.permissions.includes("message") &&
    !without.includes(peer.node_id)
  );
  return (
    <fieldset class="picker">
      <legend>{t("group.people")}</legend>
      {fitting.length === 0 && <p class="muted">{t("group.nobody_left")}</p>}
      {fitting.map(({ node_id: id, petname }) => (
        <label key={id} class="list-row">
          <Avatar id={id} name={plainName(id, petname)} size={32} />
          <span class="grow">
            <Name id={id} petname={petname} />
          </span>
          <input
            type="checkbox"
            checked={chosen.includes(id)}
            onChange={({ currentTarget }) =>
              onChange(
                currentTarget.checked ? [...chosen, id] : chosen.filter((one) => one !== id),
              )}
          />
        </label>
      ))}
    </fieldset>
  );
}

export function NewGroup({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [members, setMembers] = useState<string[]>([]);
  const [history, setHistory] = useState(false);
  const action = useAction();
  return (
    <Dialog title={t("group.new")} onClose={onClose}>
      <Form
        submit={() => {
          action.run(async () => {
            const input = { name: name.trim(), members, history };
            const { group } = await post<GroupView>("/m/messaging/groups", input);
            await reloadGroups();
            onClose();
            go("chats", group);
          });
        }}
      >
        <TextField
          label={t("group.name")}
          maxLength={64}
          required
          autocomplete="off"
          value={name}
          onChange={setName}
        />
        <PeoplePicker chosen={members} without={[]} onChange={setMembers} />
        <label class="check">
          <input
            type="checkbox"
            checked={history}
            onChange={(event) => setHistory(event.currentTarget.checked)}
          />
          <span>{t("group.history")}</span>
        </label>
        <div class="row end">
          <Button kind="quiet" onClick={onClose}>{t("app.cancel")}</Button>
          <Button kind="primary" submit busy={action.busy} disabled={name.trim() === ""}>
            {t("group.found")}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}

export function GroupDialog({ group, onClose }: { group: GroupView; onClose: () => void }) {
  const [isInviting, setInviting] = useState(false);
  const [chosen, setChosen] = useState<string[]>([]);
  const [isLeaving, setLeaving] = useState(false);
  const own = status.want()?.node_id;
  const isMine = group.owner === own;
  const action = useAction();
  const change = async (path: string, more: object = {}) => {
    await post(`/m/messaging/groups/${path}`, { group: group.group, ...more });
    await reloadGroups();
  };
  if (isLeaving) {
    return (
      <ConfirmDialog
        title={t("group.leave")}
        confirm={t("group.leave")}
        danger
        onClose={onClose}
        onConfirm={() => change("leave")}
      >
        <p>{t("group.leave_means")}</p>
      </ConfirmDialog>
    );
  }
  return (
    <Dialog title={<Other text={group.name} />} onClose={onClose}>
      {group.two_stories && <p class="failure">{t("group.two_stories")}</p>}
      <p class="muted">{group.history ? t("group.history_yes") : t("group.history_no")}</p>
      <ul class="list">
        {group.members.filter(({ state }) => state !== "left").map(({ id, petname, state }) => (
          <li key={id} class="list-row">
            <Avatar id={id} name={plainName(id, petname)} size={32} />
            <span class="grow">
              {id === own ? t("group.you") : <Name id={id} petname={petname} />}
            </span>
            {id === group.owner && <Badge>{t("group.owner")}</Badge>}
            {state === "invited" && <Badge tone="warn">{t("group.invited")}</Badge>}
            {isMine && isOwner() && id !== own && (
              <Button
                kind="quiet"
                icon="trash"
                label={t("group.remove_member", { name: plainName(id, petname) })}
                busy={action.busy}
                onClick={() =>
                  action.run(() => change("remove", { peers: [id] }))}
              />
            )}
          </li>
        ))}
      </ul>
      {!isMine && (
        <p class="hint">{tx("group.owner_decides", { name: <Name id={group.owner} /> })}</p>
      )}
      {isInviting && (
        <div class="stack">
          <PeoplePicker
            chosen={chosen}
            without={group.members.map(({ id }) => id)}
            onChange={setChosen}
          />
          <Button
            kind="primary"
            busy={action.busy}
            disabled={chosen.length === 0}
            onClick={() => {
              action.run(() => change("invite", { peers: chosen }));
              setInviting(false);
              setChosen([]);
            }}
          >
            {t("group.invite")}
          </Button>
        </div>
      )}
      {isOwner() && group.stage === "joined" && (
        <div class="row end">
          {isMine && !isInviting && (
            <Button icon="plus" onClick={() => setInviting(true)}>{t("group.invite")}</Button>
          )}
          <Button kind="danger" onClick={() => setLeaving(true)}>{t("group.leave")}</Button>
        </div>
      )}
    </Dialog>
  );
}
