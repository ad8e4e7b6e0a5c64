import { type ReactNode, useEffect, useId, useState } from 'react';
import type { Query } from '../api/query-text';
import { useApi } from '../api/use-api';
import { plural, quantityText, withUnit } from '../format/quantity';
import type { Option } from './fields';
import { Icon } from './icon';
import { Problem } from './problem';
import { type Column, type Order, Table } from './table';
import { useUrlState } from './use-url-state';

/** A page of a list, whichever way the server pages it. */
export interface ListAnswer<T> {
  items: readonly T[];
  /** Of all pages, where the server counts them. */
  totalCount?: number;
  /** Where the server pages by cursor: of the next page, absent or null on the last. */
  nextCursor?: string | null;
}

export interface ListFilter {
  /** In the URL and, unless `queryOf` says otherwise, in the query. */
  name: string;
  label: string;
  /** The empty value means all. */
  options: readonly Option[];
}

export interface ListProps<T, Answer = ListAnswer<T>> {
  /** In the singular: "customer". */
  noun: string;
  path: string;
  /** What is always asked for. */
  query?: Query;
  /** How the server pages: by number, or by cursor. */
  paging?: 'page' | 'cursor';
  pageSize?: number;
  /** The parameter of the search box; none without it. */
  search?: { name: string; label: string };
  filters?: readonly ListFilter[];
  /** The order unless the URL has another. */
  order?: Order;
  /** Makes the query of what the URL holds, where names differ. */
  queryOf?: (asked: Query) => Query;
  /** Reads an answer that is no page, such as a plain array. */
  read?: (answer: Answer) => ListAnswer<T>;
  columns: readonly Column<T>[];
  keyOf: (row: T) => string;
  hrefOf?: (row: T) => string;
  selectedKey?: string | undefined;
  /** Shown instead of the table while there is nothing at all. */
  empty: ReactNode;
  everyMs?: number;
  /** More controls in the bar above the table. */
  controls?: ReactNode;
}

const readPage = <T,>(answer: unknown): ListAnswer<T> => answer as ListAnswer<T>;

/** A list: search, filters, order and page in the URL, read from the server page by page. */
export const List = <T, Answer = ListAnswer<T>>(props: ListProps<T, Answer>) => {
  const { noun, path, paging = 'page', pageSize = 50, search, filters = [], columns } = props;
  const url = useUrlState();
  const order = orderOf(url.get('order')) ?? props.order;
  const page = Math.max(1, Number.parseInt(url.get('page') ?? '1', 10) || 1);
  const cursor = url.get('cursor');
  const searched = search ? url.get(search.name) : undefined;

  const asked: Record<string, string | number | undefined> = {
    ...(search ? { [search.name]: searched } : {}),
    ...Object.fromEntries(filters.map(({ name }) => [name, url.get(name)])),
    ...(order ? { orderBy: order.by, order: order.isDescending ? 'DESC' : 'ASC' } : {}),
    ...(paging === 'page' ? { page, pageSize } : { cursor, limit: pageSize }),
  };
  const result = useApi<Answer>(
    path,
    { ...(props.queryOf ? props.queryOf(asked) : asked), ...props.query },
    props.everyMs === undefined ? {} : { everyMs: props.everyMs },
  );
  const answer = result.data === undefined ? undefined : (props.read ?? readPage<T>)(result.data);
  const isFiltered = Boolean(searched) || filters.some(({ name }) => url.get(name));
  const isFirst = paging === 'page' ? page === 1 : cursor === undefined;
  const isNothing = answer?.items.length === 0 && !isFiltered && isFirst;
  /** Another question begins on its first page. */
  const ask = (changes: Record<string, string | undefined>, options?: { replace: boolean }): void =>
    url.change({ ...changes, page: undefined, cursor: undefined }, options);

  if (isNothing && !result.isPlaceholderData) return <>{props.empty}</>;
  return (
    <div className="stack-tight">
      {(search || filters.length > 0 || props.controls) && (
        <div className="list-bar">
          {search && (
            <SearchBox
              label={search.label}
              value={searched ?? ''}
              onSearch={(text) => ask({ [search.name]: text }, { replace: true })}
            />
          )}
          {filters.map((filter) => (
            <FilterBox
              key={filter.name}
              filter={filter}
              value={url.get(filter.name) ?? ''}
              onChange={(value) => ask({ [filter.name]: value })}
            />
          ))}
          {props.controls}
        </div>
      )}
      {result.isError && <Problem error={result.error} onRetry={() => void result.refetch()} />}
      {answer ? (
        <Table
          label={plural(noun)}
          columns={columns}
          rows={answer.items}
          keyOf={props.keyOf}
          hrefOf={props.hrefOf && ((row) => url.withSearch(props.hrefOf!(row)))}
          selectedKey={props.selectedKey}
          order={order}
          onOrder={(next) => ask({ order: `${next.isDescending ? '-' : ''}${next.by}` })}
          isBusy={result.isPlaceholderData}
        />
      ) : (
        !result.isError && (
          <p className="soft" role="status">
            Loading …
          </p>
        )
      )}
      {answer?.items.length === 0 && (
        <p className="soft row">
          No {noun} matches.
          <button
            type="button"
            className="button button-small"
            onClick={() => {
              const names = [...(search ? [search.name] : []), ...filters.map(({ name }) => name)];
              ask(Object.fromEntries(names.map((name) => [name, undefined])));
            }}
          >
            Show all
          </button>
        </p>
      )}
      {answer && (
        <Pager
          noun={noun}
          answer={answer}
          paging={paging}
          page={page}
          pageSize={pageSize}
          isFirst={isFirst}
          onPage={(next) => url.change({ page: next === 1 ? undefined : String(next) })}
          onCursor={(next) => url.change({ cursor: next })}
        />
      )}
    </div>
  );
};

const orderOf = (text: string | undefined): Order | undefined =>
  text === undefined ? undefined : { by: text.replace(/^-/, ''), isDescending: text.startsWith('-') };

const searchDelayMs = 250;

interface SearchBoxProps {
  label: string;
  value: string;
  onSearch: (text: string) => void;
}

/** Searches once typing has paused, and at once on Enter. */
export const SearchBox = ({ label, value, onSearch }: SearchBoxProps) => {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onSearch(text), searchDelayMs);
    return () => clearTimeout(timer);
  }, [text, value, onSearch]);
  return (
    <form
      className="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onSearch(text);
      }}
    >
      <input
        className="input"
        type="search"
        aria-label={label}
        placeholder={label}
        value={text}
        maxLength={128}
        onChange={(event) => setText(event.target.value)}
      />
    </form>
  );
};

interface FilterBoxProps {
  filter: ListFilter;
  value: string;
  onChange: (value: string) => void;
}

const FilterBox = ({ filter, value, onChange }: FilterBoxProps) => {
  const id = useId();
  return (
    <>
      <label className="visually-hidden" htmlFor={id}>
        {filter.label}
      </label>
      <select id={id} className="select" value={value} onChange={(event) => onChange(event.target.value)}>
        {filter.options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </>
  );
};

interface PagerProps {
  noun: string;
  answer: ListAnswer<unknown>;
  paging: 'page' | 'cursor';
  page: number;
  pageSize: number;
  isFirst: boolean;
  onPage: (page: number) => void;
  onCursor: (cursor: string | undefined) => void;
}

const Pager = ({ noun, answer, paging, page, pageSize, isFirst, onPage, onCursor }: PagerProps) => {
  const { items, totalCount, nextCursor } = answer;
  const first = (page - 1) * pageSize + 1;
  const hasNext =
    paging === 'cursor'
      ? Boolean(nextCursor)
      : totalCount === undefined
        ? items.length === pageSize
        : first - 1 + items.length < totalCount;
  if (items.length === 0 && isFirst) return null;
  const range = `${quantityText(first)}–${quantityText(first - 1 + items.length)}`;
  return (
    <nav className="list-foot" aria-label={`Pages of ${plural(noun)}`}>
      <span aria-live="polite">
        {paging === 'page' && totalCount !== undefined && !(isFirst && !hasNext)
          ? `${range} of ${withUnit(totalCount, noun)}`
          : paging === 'page' && (!isFirst || hasNext)
            ? range
            : `${withUnit(items.length, noun)}${hasNext || !isFirst ? ' on this page' : ''}`}
      </span>
      {(hasNext || !isFirst) && (
        <span className="row">
          <button
            type="button"
            className="button button-small"
            disabled={isFirst}
            onClick={() => (paging === 'page' ? onPage(page - 1) : onCursor(undefined))}
          >
            <Icon name="left" size={14} />
            {paging === 'page' ? 'Previous' : 'First page'}
          </button>
          <button
            type="button"
            className="button button-small"
            disabled={!hasNext}
            onClick={() => (paging === 'page' ? onPage(page + 1) : onCursor(nextCursor ?? undefined))}
          >
            Next
            <Icon name="right" size={14} />
          </button>
        </span>
      )}
    </nav>
  );
};
