import type { ReactNode } from 'react';
import { useLocation } from 'wouter';
import { Icon } from './icon';

export interface Column<T> {
  header: string;
  render: (row: T) => ReactNode;
  /** The server's name for ordering by this column; a column without one cannot be sorted. */
  sort?: string;
  isNumber?: boolean;
}

export interface Order {
  by: string;
  isDescending: boolean;
}

export interface TableProps<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** Where a click on the row goes; the first column's link goes there with the keyboard. */
  hrefOf?: ((row: T) => string) | undefined;
  selectedKey?: string | undefined;
  order?: Order | undefined;
  onOrder?: ((order: Order) => void) | undefined;
  isBusy?: boolean;
}

/** Rows of facts; on a narrow screen each row becomes a block of named facts. */
export const Table = <T,>(props: TableProps<T>) => {
  const { label, columns, rows, keyOf, hrefOf, selectedKey, isBusy = false } = props;
  const [, navigate] = useLocation();
  return (
    <div className="table-box">
      <table className="table table-stacked" aria-label={label} aria-busy={isBusy}>
        <thead>
          <tr>
            {columns.map((column) => (
              <HeadCell key={column.header} column={column} order={props.order} onOrder={props.onOrder} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const href = hrefOf?.(row);
            return (
              <tr
                key={keyOf(row)}
                data-link={href !== undefined}
                data-selected={selectedKey !== undefined && keyOf(row) === selectedKey}
                onClick={(event) => {
                  const isOnControl = (event.target as HTMLElement).closest(
                    'a, button, input, label, select',
                  );
                  if (href !== undefined && !isOnControl && !getSelection()?.toString()) navigate(href);
                }}
              >
                {columns.map((column) => (
                  <td
                    key={column.header}
                    data-label={column.header}
                    className={column.isNumber ? 'number' : undefined}
                  >
                    {column.render(row)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
};

interface HeadCellProps<T> {
  column: Column<T>;
  order: Order | undefined;
  onOrder: ((order: Order) => void) | undefined;
}

const HeadCell = <T,>({ column, order, onOrder }: HeadCellProps<T>) => {
  const className = column.isNumber ? 'number' : undefined;
  const { sort } = column;
  if (sort === undefined || !onOrder)
    return (
      <th scope="col" className={className}>
        {column.header || <span className="visually-hidden">Actions</span>}
      </th>
    );
  const isCurrent = order?.by === sort;
  const isDescending = isCurrent && order.isDescending;
  return (
    <th
      scope="col"
      className={className}
      aria-sort={isCurrent ? (isDescending ? 'descending' : 'ascending') : 'none'}
    >
      <button type="button" onClick={() => onOrder({ by: sort, isDescending: isCurrent && !isDescending })}>
        {column.header}
        {isCurrent && <Icon name={isDescending ? 'down' : 'up'} size={12} />}
      </button>
    </th>
  );
};
