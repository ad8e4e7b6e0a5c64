import type { ReactNode } from 'react';
import { CopyButton } from './copy-button';

export interface SecretProps {
  text: string;
  /** What it is, as said after copying: "signing secret". */
  what: string;
  /** Where it belongs. */
  children: ReactNode;
}

/** A secret that is shown this once: the server keeps it where nobody can read it again. */
export const Secret = ({ text, what, children }: SecretProps) => (
  <div className="stack-tight">
    <p className="note note-warning">This is the only time it is shown. Copy it now.</p>
    <p>{children}</p>
    <div className="row secret">
      <code className="break" data-testid="secret">
        {text}
      </code>
      <CopyButton text={text} what={what}>
        Copy
      </CopyButton>
    </div>
  </div>
);
