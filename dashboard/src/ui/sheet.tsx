import { type ReactNode, useEffect, useId, useRef } from 'react';
import { Icon } from './icon';

export interface SheetProps {
  title: ReactNode;
  /** Goes to the URL without the sheet. */
  onClose: () => void;
  isWide?: boolean;
  /** Under the title: badges, copy buttons. */
  actions?: ReactNode;
  children: ReactNode;
}

/**
 * A panel over the right side. It has a URL of its own, takes the focus when it opens, gives it back when it closes, and
 * leaves the page behind it alive: one can go through a list with the sheet open.
 */
export const Sheet = ({ title, onClose, isWide = false, actions, children }: SheetProps) => {
  const sheet = useRef<HTMLElement>(null);
  const titleId = useId();
  const close = useRef(onClose);
  close.current = onClose;

  useEffect(() => {
    const before = document.activeElement;
    sheet.current?.focus();
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return;
      close.current();
    };
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('keydown', onKey);
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);

  return (
    <section
      ref={sheet}
      role="dialog"
      aria-labelledby={titleId}
      tabIndex={-1}
      className={isWide ? 'sheet sheet-wide' : 'sheet'}
    >
      <div className="sheet-head">
        <div className="stack-tight">
          <h2 id={titleId}>{title}</h2>
          {actions && <div className="row">{actions}</div>}
        </div>
        <button
          type="button"
          className="button button-quiet button-icon"
          aria-label="Close"
          onClick={onClose}
        >
          <Icon name="close" />
        </button>
      </div>
      <div className="sheet-body">{children}</div>
    </section>
  );
};
