/**
 * Files between this node and one person: what is offered, on its way, and has come.
 *
 * @module
 */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { OfferView, ShareView, TransferView } from "../../../../protocol/file_sharing_api.ts";
import { ApiError, ask, post } from "../api.ts";
import { bringFiles, type Drop, drops, landingFolder } from "../dropping.ts";
import { formatBytes, formatDate, shown } from "../format.ts";
import { isOwner } from "../session.ts";
import { offers, openOffers, shares, transfers } from "../store.ts";
import { t, tn, type WordKey } from "../language.ts";
import { Icon, type IconName } from "./icons.tsx";
import { Badge, Button, errorText, NodeWords, notify, Other, Progress, useAction } from "./ui.tsx";

const SHOWN = 4;

/** Brings files to the node and offers them to somebody. */
export async function dropFiles(peer: string, files: readonly File[]): Promise<void> {
  if (files.length === 0) return;
  try {
    const paths = await bringFiles(peer, files);
    if (paths.length === 0) return;
    await post("/m/file_sharing/shares", { peer, paths });
    await shares.load();
    notify(tn("files.offered", paths.length));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notify(errorText(error), "bad");
  }
}

/** What goes on with one person, newest last, and little of what is over. */
export function FileTray({ peer }: { peer: string }) {
  const offered = openOffers().filter((one) => one.peer === peer);
  const moving = transfers.want()?.transfers.filter((one) => one.peer === peer) ?? [];
  const going = moving.filter(({ direction, state }) => direction === "out" && state !== "done");
  const shared =
    shares.want()?.shares.filter((one) =>
      one.peer === peer && one.state !== "expired" && !isLeaving(one, going)
    ) ?? [];
  const sent = shared.slice(-SHOWN);
  const dropping = drops.value.get(peer) ?? [];
  const [isHidden, setHidden] = useState(false);
  const coming = moving.filter(({ direction }) => direction === "in").slice(-SHOWN);
  const count = offered.length + coming.length + going.length + sent.length + dropping.length;
  if (count === 0) return null;
  return (
    <section class="tray" aria-label={t("nav.files")}>
      <button
        type="button"
        class="tray-head"
        aria-expanded={!isHidden}
        onClick={() => setHidden(!isHidden)}
      >
        <Icon name="file" size={16} />
        <span>{tn("files.in_conversation", count)}</span>
      </button>
      {!isHidden && (
        <ul class="list">
          {offered.map((offer) => <OfferRow key={offer.id} offer={offer} />)}
          {coming.map((transfer) => <TransferRow key={transfer.id} transfer={transfer} />)}
          {going.map((transfer) => <TransferRow key={transfer.id} transfer={transfer} />)}
          {sent.map((share) => <ShareRow key={share.id} share={share} />)}
          {dropping.map((drop, at) => <DropRow key={at} drop={drop} />)}
        </ul>
      )}
    </section>
  );
}

/** Whether a share is seen as what leaves of it. */
function isLeaving({ answer, files }: ShareView, going: readonly TransferView[]): boolean {
  return answer === "accepted" && going.some((one) => files.some(({ name }) => name === one.name));
}

/** What files are called: the first one, and how many more. */
export function fileNames(files: readonly { readonly name: string }[]): string {
  const [first, ...rest] = files;
  if (first === undefined) return "";
  return rest.length === 0
    ? shown(first.name)
    : tn("files.and_more", rest.length, { name: shown(first.name) });
}

/** Until when something is valid, behind what else is said of it. */
export function untilText(expiresAt: number | null): string {
  return expiresAt === null ? "" : ` · ${t("files.until", { when: formatDate(expiresAt) })}`;
}

/** How large they are, and until when they are there. */
function sizeText({ bytes, expires_at: expiresAt }: OfferView | ShareView): string {
  return formatBytes(bytes) + untilText(expiresAt);
}

/** A row of a list of files. @param about What is said of them. @param children What stands behind both. */
export function FileRow(
  { icon, name, about, below, children }: {
    icon?: IconName;
    name: ComponentChildren;
    about: ComponentChildren;
    below?: ComponentChildren;
    children: ComponentChildren;
  },
) {
  return (
    <li class="list-row file-row">
      {icon !== undefined && (
        <span class="sign">
          <Icon name={icon} />
        </span>
      )}
      <span class="grow two-lines">
        <strong class="file-name">{name}</strong>
        <small class="muted">{about}</small>
        {below}
      </span>
      {children}
    </li>
  );
}

export function OfferRow({ offer, who }: { offer: OfferView; who?: ComponentChildren }) {
  const action = useAction();
  const accept = async () => {
    const body = { folder: await landingFolder() };
    try {
      await post(`/m/file_sharing/offers/${offer.id}/accept`, body);
    } catch (error) {
      const isAsked = offer.require !== null && error instanceof ApiError;
      if (!isAsked || error.code !== "forbidden") throw error;
      return notify(t("files.may_not_ask"), "bad");
    }
    await Promise.all([offers.load(), transfers.load()]);
  };
  const decline = async () => {
    await post(`/m/file_sharing/offers/${offer.id}/decline`);
    await offers.load();
  };
  return (
    <FileRow
      icon="download"
      name={<bdi>{fileNames(offer.files)}</bdi>}
      about={
        <>
          {who}
          {sizeText(offer)}
          {offer.require !== null &&
            ` · ${t("files.requires", { how: t(`challenge.level_${offer.require}`) })}`}
        </>
      }
      below={offer.note !== null && (
        <small class="quote">
          <Other text={offer.note} />
        </small>
      )}
    >
      {isOwner() && (
        <span class="row">
          <Button kind="primary" busy={action.busy} onClick={() => action.run(accept)}>
            {t("files.accept")}
          </Button>
          <Button kind="quiet" busy={action.busy} onClick={() => action.run(decline)}>
            {t("files.decline")}
          </Button>
        </span>
      )}
    </FileRow>
  );
}

const TONES = {
  running: "calm",
  waiting: "warn",
  paused: "warn",
  done: "good",
  failed: "bad",
  cancelled: "bad",
} as const;

/** Whether a transfer goes on no more by itself. */
export function isOver({ state }: TransferView): boolean {
  return state === "done" || state === "failed" || state === "cancelled";
}

export function TransferRow(
  { transfer, who }: { transfer: TransferView; who?: ComponentChildren },
) {
  const { id, direction, state, bytes, done_bytes: done, landed, name } = transfer;
  const action = useAction();
  const change = (what: "pause" | "resume" | "cancel") =>
    action.run(async () => {
      await post(`/m/file_sharing/transfers/${id}/${what}`);
      await transfers.load();
    });
  const isComing = direction === "in";
  const over = isOver(transfer);
  return (
    <FileRow
      icon={isComing ? "download" : "upload"}
      name={<Other text={landed.length > 0 && state === "done" ? landed.join(", ") : name} />}
      about={
        <>
          {who}
          {over
            ? formatBytes(bytes)
            : t("files.of", { done: formatBytes(done), all: formatBytes(bytes) })}
          {transfer.way !== null && !over &&
            ` · ${t(transfer.way === "direct" ? "way.direct" : "way.relay")}`}
          {state === "done" && transfer.folder !== null && (
            <>
              {" · "}
              {t("files.landed_in")}{" "}
              <code>
                <bdi>{shown(transfer.folder)}</bdi>
              </code>
            </>
          )}
        </>
      }
      below={
        <>
          {transfer.why !== null && state !== "done" && state !== "cancelled" && (
            <small class="muted">
              <NodeWords text={transfer.why} />
            </small>
          )}
          {!over && (
            <Progress done={done} of={bytes} label={t("files.progress", { name: shown(name) })} />
          )}
          {isComing && state === "done" &&
            landed.map((one) => <PictureOf key={one} id={id} name={one} />)}
        </>
      }
    >
      <Badge tone={TONES[state]}>{t(`transfer.${state}`)}</Badge>
      {isOwner() && isComing && !over && (
        <span class="row">
          {state === "paused"
            ? (
              <Button
                kind="quiet"
                icon="play"
                label={t("files.resume")}
                onClick={() => change("resume")}
              />
            )
            : (
              <Button
                kind="quiet"
                icon="pause"
                label={t("files.pause")}
                onClick={() => change("pause")}
              />
            )}
          <Button
            kind="quiet"
            icon="cross"
            label={t("app.cancel")}
            onClick={() => change("cancel")}
          />
        </span>
      )}
    </FileRow>
  );
}

const PICTURE_NAME = /\.(png|jpe?g|gif|webp)$/i;

/** A picture is shown only when somebody asks for it. */
function PictureOf({ id, name }: { id: string; name: string }) {
  const [url, setUrl] = useState<string | null>(null);
  const action = useAction();
  useEffect(() => () => {
    if (url !== null) URL.revokeObjectURL(url);
  }, [url]);
  if (!PICTURE_NAME.test(name) || !isOwner()) return null;
  if (url !== null) return <img class="picture" src={url} alt={shown(name)} />;
  const show = async () => {
    const query = new URLSearchParams({ name });
    const answer = await ask("GET", `/m/file_sharing/transfers/${id}/picture?${query}`);
    setUrl(URL.createObjectURL(await answer.blob()));
  };
  return (
    <span>
      <Button kind="quiet" busy={action.busy} onClick={() => action.run(show)}>
        {t("files.show_picture")}
      </Button>
    </span>
  );
}

export function ShareRow({ share, who }: { share: ShareView; who?: ComponentChildren }) {
  const action = useAction();
  const revoke = () =>
    action.run(async () => {
      await post(`/m/file_sharing/shares/${share.id}/revoke`);
      await shares.load();
    }, t("files.revoked"));
  const isFetched = share.files.every(({ downloads }) => downloads > 0);
  const key: WordKey = share.state === "used" || (share.state === "ready" && isFetched)
    ? "answer.fetched"
    : share.state === "ready"
    ? `answer.${share.answer}`
    : `share.${share.state}`;
  return (
    <FileRow
      icon="upload"
      name={<bdi>{fileNames(share.files)}</bdi>}
      about={
        <>
          {who}
          {sizeText(share)}
          {share.require !== null && ` · ${t(`require.${share.require.state}`)}`}
        </>
      }
      below={share.state === "hashing" && (
        <Progress done={share.hashed_bytes} of={share.bytes} label={t("share.hashing")} />
      )}
    >
      <Badge
        tone={key === "answer.fetched"
          ? "good"
          : share.state === "failed" || share.answer === "declined"
          ? "bad"
          : "calm"}
      >
        {t(key)}
      </Badge>
      {isOwner() && (
        <Button
          kind="quiet"
          icon="trash"
          label={t("files.revoke")}
          busy={action.busy}
          onClick={revoke}
        />
      )}
    </FileRow>
  );
}

export function DropRow({ drop }: { drop: Drop }) {
  return (
    <FileRow
      icon="upload"
      name={<Other text={drop.name} />}
      about={t("files.reading")}
      below={
        <Progress
          done={drop.done.value}
          of={drop.bytes}
          label={t("files.progress", { name: shown(drop.name) })}
        />
      }
    >
      <Button kind="quiet" icon="cross" label={t("app.cancel")} onClick={() => drop.stop.abort()} />
    </FileRow>
  );
}
