import { type Query, queryText } from '../api/query-text';

/** For a POSIX shell: everything between single quotes stays as it is. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export interface CurlCall {
  method?: string;
  path: string;
  query?: Query;
  body?: unknown;
  contentType?: string;
}

/** The same call for a terminal. The token is left to the variable TOLLGATE_API_TOKEN, so that no copy carries it. */
export const curlText = (
  origin: string,
  { method = 'GET', path, query, body, contentType }: CurlCall,
): string => {
  const lines = [
    `curl -sS ${method === 'GET' ? '' : `-X ${method} `}${quoted(origin + path + queryText(query))}`,
    `-H "Authorization: Bearer $TOLLGATE_API_TOKEN"`,
  ];
  if (body !== undefined) {
    lines.push(`-H ${quoted(`Content-Type: ${contentType ?? 'application/json'}`)}`);
    lines.push(`-d ${quoted(JSON.stringify(body))}`);
  }
  return lines.join(' \\\n  ');
};
