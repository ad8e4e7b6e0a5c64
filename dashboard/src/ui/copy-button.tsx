import type { ReactNode } from 'react';
import { type CurlCall, curlText } from '../format/curl-text';
import { Icon } from './icon';
import { tell, tellProblem } from './toasts';

/** Puts text on the clipboard, also where a page served without TLS has no clipboard interface. */
const copyText = async (text: string): Promise<void> => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  // The only way without a secure context.
  const isCopied = document.execCommand('copy');
  area.remove();
  if (!isCopied) throw new Error('the browser did not allow copying; select the text and copy it by hand');
};

export interface CopyButtonProps {
  /** The text, or how to make it when it is asked for. */
  text: string | (() => string | Promise<string>);
  /** What is copied, as said afterwards: "curl command". */
  what: string;
  children?: ReactNode;
}

export const CopyButton = ({ text, what, children }: CopyButtonProps) => (
  <button
    type="button"
    className="button button-quiet button-small"
    aria-label={children ? undefined : `Copy ${what}`}
    onClick={async () => {
      try {
        await copyText(typeof text === 'string' ? text : await text());
        tell(`Copied the ${what}.`);
      } catch (error) {
        tellProblem(error);
      }
    }}
  >
    <Icon name="copy" size={14} />
    {children}
  </button>
);

export const CopyAsCurl = (call: CurlCall) => (
  <CopyButton text={() => curlText(location.origin, call)} what="curl command">
    Copy as curl
  </CopyButton>
);

/** As a part of tollgate.yml; `value` is made only when it is asked for. */
export const CopyAsYaml = ({ value }: { value: () => unknown }) => (
  <CopyButton
    what="YAML"
    text={async () => {
      const { stringify } = await import('yaml');
      return stringify(value());
    }}
  >
    Copy as YAML
  </CopyButton>
);

/** A command or a document to read and copy. */
export const Code = ({ text, what }: { text: string; what: string }) => (
  <div className="code-box">
    {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard. */}
    <pre role="group" className="code" tabIndex={0} aria-label={what}>
      {text}
    </pre>
    <CopyButton text={text} what={what} />
  </div>
);
