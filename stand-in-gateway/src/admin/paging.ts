import type { Entity } from '../entities/entity';
import { DEFAULT_WORKSPACE_ID } from '../proxy/proxy-view';
import type { AdminAnswer } from './admin-answer';

const DEFAULT_SIZE = 100;
const MAX_SIZE = 1000;

interface Listing {
  rows: readonly Entity[];
  query: URLSearchParams;
  /** Path of the endpoint, which `next` repeats. */
  path: string;
  table: string;
  mode: 'dbless' | 'postgres';
}

/** One page of a list: `size` up to 1000, `offset` from the page before, `tags` with `,` for and, `/` for or. */
export function page({ rows, query, path, table, mode }: Listing): AdminAnswer {
  const size = query.has('size') ? Number(query.get('size')) : DEFAULT_SIZE;
  if (!Number.isInteger(size) || size < 1 || size > MAX_SIZE) {
    const problem = `size must be an integer between 1 and ${MAX_SIZE}`;
    return { status: 400, body: { code: 9, name: 'invalid size', message: problem } };
  }
  const matching = filterByTags(rows, query.get('tags'));
  const start = startAt(matching, query.get('offset'), mode);
  if (start === undefined) {
    return {
      status: 400,
      body: { code: 7, name: 'invalid offset', message: `'${query.get('offset')}' is not a valid offset` },
    };
  }
  const data = matching.slice(start, start + size);
  if (start + size >= matching.length) return { status: 200, body: { data, next: null } };
  const offset = encodeOffset(data.at(-1)!, table, mode);
  const sizeAgain = query.has('size') ? `&size=${size}` : '';
  const tagsAgain = query.has('tags') ? `&tags=${encodeURIComponent(query.get('tags')!)}` : '';
  return { status: 200, body: { data, next: `${path}?offset=${offset}${sizeAgain}${tagsAgain}`, offset } };
}

function filterByTags(rows: readonly Entity[], tags: string | null): readonly Entity[] {
  if (tags === null || tags === '') return rows;
  const isOr = tags.includes('/');
  const wanted = tags.split(isOr ? '/' : ',');
  return rows.filter((row) => {
    const has = (tag: string): boolean => row.tags?.includes(tag) ?? false;
    return isOr ? wanted.some(has) : wanted.every(has);
  });
}

/** Offsets name the last row of the page before; database and DB-less mode write them differently. */
function encodeOffset(last: Entity, table: string, mode: 'dbless' | 'postgres'): string {
  const text =
    mode === 'postgres' ? JSON.stringify([last.id]) : `${table}|${DEFAULT_WORKSPACE_ID}|*|${last.id}\0`;
  return Buffer.from(text).toString('base64url');
}

function startAt(
  rows: readonly Entity[],
  offset: string | null,
  mode: 'dbless' | 'postgres',
): number | undefined {
  if (offset === null || offset === '') return 0;
  const text = Buffer.from(offset, 'base64url').toString();
  const id = mode === 'postgres' ? /^\["([^"]+)"\]$/.exec(text)?.[1] : /\|([^|\0]+)\0$/.exec(text)?.[1];
  if (id === undefined) return undefined;
  const next = rows.findIndex((row) => row.id > id);
  return next < 0 ? rows.length : next;
}
