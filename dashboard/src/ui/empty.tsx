import type { ReactNode } from 'react';
import { type CurlCall, curlText } from '../format/curl-text';
import { Code } from './copy-button';

export interface EmptyProps {
  /** One sentence: what belongs here and what to do next. */
  children: ReactNode;
  /** The button that does it. */
  action?: ReactNode;
  /** The same by the HTTP API. */
  curl?: CurlCall | undefined;
  /** The same on the command line. */
  command?: string | undefined;
}

/** Says what to do next where there is nothing yet. */
export const Empty = ({ children, action, curl, command }: EmptyProps) => (
  <div className="empty">
    <p>{children}</p>
    {action && <div className="row">{action}</div>}
    {curl && (
      <div className="stack-tight">
        <h3>With the HTTP API</h3>
        <Code text={curlText(location.origin, curl)} what="curl command" />
      </div>
    )}
    {command && (
      <div className="stack-tight">
        <h3>On the command line</h3>
        <Code text={command} what="command" />
      </div>
    )}
  </div>
);
