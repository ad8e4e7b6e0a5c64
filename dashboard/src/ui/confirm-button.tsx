import { type ReactNode, useId, useRef, useState } from 'react';
import { tellProblem } from './toasts';

export interface ConfirmButtonProps {
  /** The button's words, repeated on the button that confirms. */
  label: string;
  /** What it will do, and whether it can be undone. */
  question: ReactNode;
  onConfirm: () => Promise<unknown>;
  className?: string;
  isDisabled?: boolean;
}

/** A button for what cannot be taken back: it asks first. */
export const ConfirmButton = ({ label, question, onConfirm, className, isDisabled }: ConfirmButtonProps) => {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isRunning, setRunning] = useState(false);
  const textId = useId();
  const confirm = async (): Promise<void> => {
    setRunning(true);
    try {
      await onConfirm();
    } catch (error) {
      tellProblem(error);
    } finally {
      setRunning(false);
      dialog.current?.close();
    }
  };
  return (
    <>
      <button
        type="button"
        className={className ?? 'button button-danger'}
        disabled={isDisabled}
        onClick={() => dialog.current?.showModal()}
      >
        {label}
      </button>
      <dialog ref={dialog} className="confirm" aria-labelledby={textId}>
        <div className="stack">
          <p id={textId}>{question}</p>
          <div className="row">
            <button
              type="button"
              className="button button-danger"
              disabled={isRunning}
              onClick={() => void confirm()}
            >
              {label}
            </button>
            <button type="button" className="button" onClick={() => dialog.current?.close()}>
              Keep it as it is
            </button>
          </div>
        </div>
      </dialog>
    </>
  );
};
