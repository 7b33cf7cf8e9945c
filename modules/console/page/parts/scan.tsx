/**
 * Reading a code with the camera, where the browser can.
 *
 * @module
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../language.ts";
import { Button, Dialog } from "./ui.tsx";

/** Finds the texts of codes in what the camera sees. */
type Look = (video: HTMLVideoElement) => Promise<readonly string[]>;

type DetectorClass = new (options: { formats: readonly string[] }) => {
  detect(source: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>;
};

const LOOK_EVERY_MS = 200;
/** The longer side of the pictures that are looked at: a code at arm's length is read in them. */
const LOOK_SIZE = 640;
/** Made besides the page, and loaded where the browser cannot read codes itself. */
const READER = "./scan.js";

/** The browser's own way where it has one. */
function ownLook(): Look | null {
  const { BarcodeDetector } = globalThis as { BarcodeDetector?: DetectorClass };
  if (BarcodeDetector === undefined) return null;
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  return async (video) => (await detector.detect(video)).map(({ rawValue }) => rawValue);
}

async function loadLook(): Promise<Look> {
  const own = ownLook();
  if (own !== null) return own;
  const { readCode } = await import(READER) as typeof import("../code_reader.ts");
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true })!;
  return (video) => {
    const shrunk = Math.min(1, LOOK_SIZE / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * shrunk);
    canvas.height = Math.round(video.videoHeight * shrunk);
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    const text = readCode(pen.getImageData(0, 0, canvas.width, canvas.height));
    return Promise.resolve(text === null ? [] : [text]);
  };
}

/** Pages that came over plain HTTP from elsewhere have no camera. */
function canScan(): boolean {
  return navigator.mediaDevices !== undefined;
}

/** @param fits Whether a text is what is looked for; any other code is passed over. */
function ScanDialog(
  { fits, onFound, onClose }: {
    fits: (text: string) => boolean;
    onFound: (text: string) => void;
    onClose: () => void;
  },
) {
  const video = useRef<HTMLVideoElement>(null);
  const [failed, setFailed] = useState(false);
  const [passed, setPassed] = useState(false);
  useEffect(() => {
    let stream: MediaStream | null = null;
    let isOver = false;
    const look = async (find: Look) => {
      if (isOver) return;
      const texts = await find(video.current!).catch(() => []);
      if (isOver) return;
      const found = texts.find(fits);
      if (found !== undefined) return onFound(found);
      if (texts.length > 0) setPassed(true);
      setTimeout(() => void look(find), LOOK_EVERY_MS);
    };
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).then(
      async (opened) => {
        stream = opened;
        if (isOver) return stop(opened);
        video.current!.srcObject = opened;
        await video.current!.play();
        void look(await loadLook());
      },
    ).catch(() => setFailed(true));
    return () => {
      isOver = true;
      if (stream !== null) stop(stream);
    };
  }, []);
  return (
    <Dialog title={t("scan.title")} onClose={onClose}>
      {failed
        ? <p class="failure" role="alert">{t("scan.no_camera")}</p>
        : <video ref={video} class="camera" muted playsInline aria-label={t("scan.camera")} />}
      <p class="hint" role="status">{passed ? t("scan.other_code") : t("scan.hint")}</p>
    </Dialog>
  );
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** Begins to look for a code; says how to do without where the browser has no camera for this page. */
export function ScanButton(
  { fits, onFound }: { fits: (text: string) => boolean; onFound: (text: string) => void },
) {
  const [open, setOpen] = useState(false);
  if (!canScan()) return <p class="hint">{t("scan.paste")}</p>;
  return (
    <>
      <Button icon="qr" onClick={() => setOpen(true)}>{t("scan.scan")}</Button>
      {open && (
        <ScanDialog
          fits={fits}
          onFound={(text) => {
            setOpen(false);
            onFound(text);
          }}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
