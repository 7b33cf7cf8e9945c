/**
 * Reading a code with the camera, where the browser can.
 *
 * @module
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../language.ts";
import { Button, Dialog } from "./ui.tsx";

interface Detector {
  detect(source: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>;
}

type DetectorClass = new (options: { formats: readonly string[] }) => Detector;

function detectorClass(): DetectorClass | undefined {
  return (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
}

function canScan(): boolean {
  return detectorClass() !== undefined && navigator.mediaDevices !== undefined;
}

const LOOK_EVERY_MS = 200;

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
    const detector = new (detectorClass()!)({ formats: ["qr_code"] });
    let stream: MediaStream | null = null;
    let isOver = false;
    const look = async () => {
      if (isOver) return;
      const codes = await detector.detect(video.current!).catch(() => []);
      if (isOver) return;
      const found = codes.find(({ rawValue }) => fits(rawValue));
      if (found !== undefined) return onFound(found.rawValue);
      if (codes.length > 0) setPassed(true);
      setTimeout(look, LOOK_EVERY_MS);
    };
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).then(
      async (opened) => {
        stream = opened;
        if (isOver) return stop(opened);
        video.current!.srcObject = opened;
        await video.current!.play();
        void look();
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

/** Begins to look for a code; nothing where the browser cannot. */
export function ScanButton(
  { fits, onFound }: { fits: (text: string) => boolean; onFound: (text: string) => void },
) {
  const [open, setOpen] = useState(false);
  if (!canScan()) return null;
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
