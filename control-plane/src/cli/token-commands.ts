import type { ApiClient } from '../client/api-client';
import { exitStatus } from './exit-status';
import type { Terminal } from './terminal';

interface ListedToken {
  id: string;
  name: string;
  scopes: string[];
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
}

/** `tollgate token create`: the token alone on standard output, so that it can go straight into a file. */
export const createToken = async (
  client: ApiClient,
  given: { name: string; scopes: string[]; expiresAt?: string },
  terminal: Terminal,
): Promise<number> => {
  const made = await client.request<ListedToken & { token: string }>('POST', '/api/v1/tokens', given);
  terminal.error.write(`token ${made.id} (${made.scopes.join(', ')}); it is shown this once:\n`);
  terminal.out.write(`${made.token}\n`);
  return exitStatus.done;
};

export const listTokens = async (client: ApiClient, terminal: Terminal): Promise<number> => {
  const rows = [['ID', 'NAME', 'SCOPES', 'CREATED', 'EXPIRES', 'LAST USED']];
  for (let after = ''; ; ) {
    const { items } = await client.request<{ items: ListedToken[] }>(
      'GET',
      `/api/v1/tokens?limit=1000&after=${after}`,
    );
    for (const token of items) {
      rows.push([
        token.id,
        token.name,
        token.scopes.join(','),
        token.createdAt,
        token.expiresAt ?? 'never',
        token.lastUsedAt ?? 'never',
      ]);
    }
    if (items.length < 1_000) break;
    after = items.at(-1)!.id;
  }
  terminal.out.write(table(rows));
  return exitStatus.done;
};

export const revokeToken = async (client: ApiClient, id: string, terminal: Terminal): Promise<number> => {
  await client.request('DELETE', `/api/v1/tokens/${encodeURIComponent(id)}`);
  terminal.error.write(`token ${id} is revoked; other replicas refuse it within two seconds\n`);
  return exitStatus.done;
};

/** Rows as text in columns as wide as their widest cell. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
};
