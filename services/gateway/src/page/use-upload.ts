import { useEffect, useRef, useState } from 'preact/hooks';
import { newKey, uploadVideo, type ApiError, type Asked, type Upload, type UploadStep } from './api.js';

export interface Sending {
  file: File | undefined;
  /** How much has gone up, 0 to 1; undefined where nothing is under way. */
  sent: number | undefined;
  step: UploadStep;
  problem: string;
  choose(file: File | undefined, refusal?: string): void;
  /** Another wish: what was sent before with the same file is another job. */
  changed(): void;
  send(): Promise<void>;
  cancel(): void;
}

/** A file that is chosen and sent with what is asked for. */
export function useUpload(options: {
  ask(file: File): Asked;
  /** Said where no file was chosen. */
  missing: string;
  onStarted(jobId: string, file: File): void;
}): Sending {
  const [file, setFile] = useState<File>();
  const [sent, setSent] = useState<number>();
  const [step, setStep] = useState<UploadStep>('send');
  const [problem, setProblem] = useState('');
  const upload = useRef<Upload>(undefined);
  /** One key for one video and wish, so that a second try after a broken connection can't make a second job. */
  const key = useRef(newKey());
  useEffect(() => () => upload.current?.cancel(), []);
  return {
    file,
    sent,
    step,
    problem,
    choose(chosen, refusal = '') {
      setProblem(refusal);
      setFile(chosen);
      key.current = newKey();
    },
    changed: () => void (key.current = newKey()),
    cancel: () => upload.current?.cancel(),
    async send() {
      if (!file) {
        setProblem(options.missing);
        document.getElementById('video-file')?.focus();
        return;
      }
      setProblem('');
      setSent(0);
      try {
        upload.current = uploadVideo(file, options.ask(file), key.current, (fraction, now) => {
          setSent(fraction);
          setStep(now);
        });
        const job = await upload.current.job;
        upload.current = undefined;
        options.onStarted(job.id, file);
      } catch (error) {
        const { message, reason } = error as ApiError;
        setSent(undefined);
        if (reason !== 'UNAVAILABLE') key.current = newKey();
        setProblem(reason === 'CANCELLED' ? '' : message);
      }
    },
  };
}
