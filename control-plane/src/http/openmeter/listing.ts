import { z } from 'zod';

const integer = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum);

/** The paging parameters of OpenMeter's lists: by page, or by limit and offset. */
export const listingQuery = {
  page: integer(1, 1_000_000).optional(),
  pageSize: integer(1, 1_000).optional(),
  limit: integer(1, 1_000).optional(),
  offset: integer(0, 1_000_000_000).optional(),
  order: z.enum(['ASC', 'DESC']).default('ASC'),
};

export interface ListingQuery {
  page?: number | undefined;
  pageSize?: number | undefined;
  limit?: number | undefined;
  offset?: number | undefined;
}

/** Which rows of a list are asked for. */
export interface Slice {
  limit: number;
  offset: number;
}

const defaultPageSize = 100;
const arrayLimit = 1_000;

const isByLimit = (query: ListingQuery): boolean =>
  query.page === undefined && (query.limit !== undefined || query.offset !== undefined);

/** The slice of a list that is answered page by page: page 1 of 100 unless told otherwise. */
export const sliceOf = (query: ListingQuery): Slice => {
  if (isByLimit(query)) return { limit: query.limit ?? defaultPageSize, offset: query.offset ?? 0 };
  const limit = query.pageSize ?? defaultPageSize;
  return { limit, offset: ((query.page ?? 1) - 1) * limit };
};

/** The slice of a list that is a plain array unless `page` is given. */
export const arraySliceOf = (query: ListingQuery): Slice =>
  query.page === undefined
    ? { limit: query.limit ?? query.pageSize ?? arrayLimit, offset: query.offset ?? 0 }
    : sliceOf(query);

/** One page. Asked for by limit and offset, its page and pageSize are 0, as OpenMeter answers. */
export const pageOf = <T>(query: ListingQuery, items: T[], totalCount: number) => ({
  items,
  page: isByLimit(query) ? 0 : (query.page ?? 1),
  pageSize: isByLimit(query) ? 0 : (query.pageSize ?? defaultPageSize),
  totalCount,
});

export const pageSchema = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    page: z.number().int(),
    pageSize: z.number().int(),
    totalCount: z.number().int(),
  });
