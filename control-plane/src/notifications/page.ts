/** A page of a list, and how it is sorted. */
export interface PageRequest<OrderBy extends string> {
  /** From 1. */
  page: number;
  pageSize: number;
  orderBy: OrderBy;
  order: 'ASC' | 'DESC';
}

export interface Page<T> {
  items: T[];
  totalCount: number;
}

/** ORDER BY, LIMIT and OFFSET of a page; `columns` names what may be sorted by, so that nothing else gets into the text. */
export const pageClause = <OrderBy extends string>(
  { orderBy, order }: PageRequest<OrderBy>,
  columns: Readonly<Record<OrderBy, string>>,
  /** The number of the first of the two parameters that {@link pageValues} gives. */
  firstParameter: number,
): string => {
  const direction = order === 'DESC' ? 'DESC' : 'ASC';
  return `ORDER BY ${columns[orderBy]} ${direction}, id ${direction}
    LIMIT $${firstParameter}::bigint OFFSET $${firstParameter + 1}::bigint`;
};

export const pageValues = ({ page, pageSize }: PageRequest<string>): [limit: number, offset: number] => [
  pageSize,
  (page - 1) * pageSize,
];
