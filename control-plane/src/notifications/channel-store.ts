import type { Queryable } from '../storage';
import type { Channel } from './channel';
import { type Page, type PageRequest, pageClause, pageValues } from './page';

const columns = `id, type, name, url, custom_headers AS "customHeaders", signing_secret AS "signingSecret",
  is_disabled AS "isDisabled", metadata, created_at AS "createdAt", updated_at AS "updatedAt", deleted_at AS "deletedAt"`;

/** Inserts a channel, or replaces the one with its id. */
export const saveChannel = async (queryable: Queryable, channel: Channel): Promise<void> => {
  await queryable.query(
    `INSERT INTO notification_channel
       (id, type, name, url, custom_headers, signing_secret, is_disabled, metadata, created_at, updated_at, deleted_at)
     VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8::jsonb, $9, $10, $11)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, url = excluded.url, custom_headers = excluded.custom_headers,
       signing_secret = excluded.signing_secret, is_disabled = excluded.is_disabled, metadata = excluded.metadata,
       updated_at = excluded.updated_at, deleted_at = excluded.deleted_at`,
    [
      channel.id,
      channel.type,
      channel.name,
      channel.url,
      JSON.stringify(channel.customHeaders),
      channel.signingSecret,
      channel.isDisabled,
      JSON.stringify(channel.metadata),
      channel.createdAt,
      channel.updatedAt,
      channel.deletedAt,
    ],
  );
};

/** Deleted channels too; with `forUpdate` nobody else changes them until the transaction ends. */
export const findChannels = async (
  queryable: Queryable,
  ids: readonly string[],
  { forUpdate = false } = {},
): Promise<Channel[]> => {
  const { rows } = await queryable.query<Channel>(
    `SELECT ${columns} FROM notification_channel WHERE id = ANY ($1::text[]) ORDER BY id ${forUpdate ? 'FOR UPDATE' : ''}`,
    [queryable.arrays.text(ids)],
  );
  return rows;
};

export type ChannelOrder = 'id' | 'type' | 'createdAt' | 'updatedAt';

const orderColumns = { id: 'id', type: 'type', createdAt: 'created_at', updatedAt: 'updated_at' } as const;

export const listChannels = async (
  queryable: Queryable,
  request: PageRequest<ChannelOrder> & { includeDisabled: boolean; includeDeleted: boolean },
): Promise<Page<Channel>> => {
  const filter = 'WHERE ($1 OR NOT is_disabled) AND ($2 OR deleted_at IS NULL)';
  const values = [request.includeDisabled, request.includeDeleted];
  const { rows } = await queryable.query<Channel>(
    `SELECT ${columns} FROM notification_channel ${filter} ${pageClause(request, orderColumns, 3)}`,
    [...values, ...pageValues(request)],
  );
  const total = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM notification_channel ${filter}`,
    values,
  );
  return { items: rows, totalCount: total.rows[0]!.n };
};
