import type { Queryable } from './database';

/** A condition on one text; all of its parts must hold. */
export interface TextCondition {
  eq?: string | undefined;
  neq?: string | undefined;
  /** Any of these. */
  oneOf?: readonly string[] | undefined;
  /** A part of it, whatever the case. */
  contains?: string | undefined;
  containsOneOf?: readonly string[] | undefined;
  gt?: string | undefined;
  gte?: string | undefined;
  lt?: string | undefined;
  lte?: string | undefined;
  exists?: boolean | undefined;
}

/** Turns a value into a parameter of the statement, and gives its name in the text. */
type Bind = (value: unknown) => string;

/** An SQL expression of type text, written in the source; or a condition about several values, such as EXISTS. */
export type SearchColumn =
  | string
  | ((bind: Bind) => string)
  | { column: string; within: (condition: string) => string };

/** Where rows of a list come from. Everything here is SQL text of the source code; nothing of it comes from a caller. */
export interface SearchSource<Name extends string, Order extends string> {
  select: string;
  from: string;
  /** What always holds. */
  where: string;
  columns: Record<Name, SearchColumn>;
  orders: Record<Order, string>;
  /** The unique column that settles the order. */
  id: string;
}

/** What a caller asks of a list. */
export interface RowSearch<Name extends string, Order extends string> {
  conditions: Partial<Record<Name, TextCondition | undefined>>;
  orderBy: Order;
  isDescending: boolean;
  limit: number;
  offset: number;
}

/** One page of a list, and how many rows there are in all. */
export const searchRows = async <Row extends object, Name extends string, Order extends string>(
  queryable: Queryable,
  source: SearchSource<Name, Order>,
  search: RowSearch<Name, Order>,
): Promise<{ rows: Row[]; totalCount: number }> => {
  const values: unknown[] = [];
  const bind: Bind = (value) => {
    values.push(value);
    return `$${values.length}`;
  };
  const conditions = [source.where];
  for (const [name, column] of Object.entries<SearchColumn>(source.columns)) {
    const condition = search.conditions[name as Name];
    if (condition) conditions.push(conditionOf(column, condition, bind, queryable));
  }
  const where = conditions.filter((text) => text !== '').join(' AND ');
  const direction = search.isDescending ? 'DESC' : 'ASC';
  const count = await queryable.query<{ n: number }>(
    `SELECT count(*) AS n FROM ${source.from} WHERE ${where}`,
    [...values],
  );
  const limit = `LIMIT ${bind(search.limit)}::bigint OFFSET ${bind(search.offset)}::bigint`;
  const { rows } = await queryable.query<Row>(
    `SELECT ${source.select} FROM ${source.from} WHERE ${where}
     ORDER BY ${source.orders[search.orderBy]} ${direction}, ${source.id} ${direction} ${limit}`,
    values,
  );
  return { rows, totalCount: count.rows[0]!.n };
};

const conditionOf = (
  column: SearchColumn,
  condition: TextCondition,
  bind: Bind,
  queryable: Queryable,
): string => {
  if (typeof column === 'object') return column.within(partsOf(column.column, condition, bind, queryable));
  const text = typeof column === 'string' ? column : column(bind);
  return partsOf(text, condition, bind, queryable);
};

const partsOf = (column: string, condition: TextCondition, bind: Bind, { arrays }: Queryable): string => {
  const parts: string[] = [];
  const { eq, neq, oneOf, contains, containsOneOf, gt, gte, lt, lte, exists } = condition;
  const text = (value: string) => `${bind(value)}::text`;
  const list = (value: readonly string[]) => `${bind(arrays.text(value))}::text[]`;
  if (eq !== undefined) parts.push(`${column} = ${text(eq)}`);
  if (neq !== undefined) parts.push(`${column} IS DISTINCT FROM ${text(neq)}`);
  if (oneOf !== undefined) parts.push(`${column} = ANY (${list(oneOf)})`);
  if (contains !== undefined) parts.push(`strpos(lower(${column}), lower(${text(contains)})) > 0`);
  if (containsOneOf !== undefined)
    parts.push(
      `EXISTS (SELECT 1 FROM unnest(${list(containsOneOf)}) AS part WHERE strpos(lower(${column}), lower(part)) > 0)`,
    );
  if (gt !== undefined) parts.push(`${column} > ${text(gt)}`);
  if (gte !== undefined) parts.push(`${column} >= ${text(gte)}`);
  if (lt !== undefined) parts.push(`${column} < ${text(lt)}`);
  if (lte !== undefined) parts.push(`${column} <= ${text(lte)}`);
  if (exists !== undefined) parts.push(`${column} IS ${exists ? 'NOT ' : ''}NULL`);
  return parts.length === 0 ? 'true' : `(${parts.join(' AND ')})`;
};
