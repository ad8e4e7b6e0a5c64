import { useRef, useState } from 'react';
import { Link } from 'wouter';
import { refresh, useApi, useChange } from '../../api/use-api';
import { quantityText } from '../../format/quantity';
import { useLiveStream } from '../../live/use-live-stream';
import { Badge } from '../../ui/badge';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { SearchBox } from '../../ui/list';
import { LiveMark } from '../../ui/live-mark';
import { Page } from '../../ui/page';
import { Problem } from '../../ui/problem';
import { Sheet } from '../../ui/sheet';
import { Tabs } from '../../ui/tabs';
import { Time } from '../../ui/time';
import { tell, tellProblem } from '../../ui/toasts';
import { useUrlState } from '../../ui/use-url-state';
import { type AccessState, accessPath, accessTabs, causeWords, type Hold, reasonWords } from './access';
import { HoldForm } from './hold-form';

const firstShown = 25;
const mostShown = 500;
/** A burst of changes is one look at the board. */
const gatherMs = 250;

type Status = AccessState['status'];

interface Counts {
  in: number;
  out: number;
  pending: number;
  failing: number;
}

interface StatesAnswer {
  items: AccessState[];
  nextCursor: string | null;
}

/** Who is in, who is out, and what is not as it should be; live. */
export const AccessBoard = ({ isHolding = false }: { isHolding?: boolean }) => {
  const url = useUrlState();
  const search = url.get('search');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const state = useLiveStream(`${accessPath}/stream`, {
    onEvent: () => {
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        void refresh(`${accessPath}/states`);
      }, gatherMs);
    },
  });
  const counts = useApi<Counts>(`${accessPath}/states/counts`, { search }, { everyMs: 5_000 });
  const holds = useApi<{ items: Hold[] }>(`${accessPath}/holds`, { limit: 1_000 }, { everyMs: 15_000 });
  const total = counts.data && Object.values(counts.data).some((count) => count > 0);
  const columnProps = { search, holds: holds.data?.items ?? [] };
  return (
    <Page title="Access" lead={<LiveMark state={state} />}>
      <Tabs label="Access" tabs={accessTabs} />
      {total === false && !search ? (
        <Empty
          action={
            <Link className="button button-primary" href="/access/policies/new">
              <Icon name="plus" />
              New policy
            </Link>
          }
          curl={{
            method: 'POST',
            path: `${accessPath}/policies`,
            body: { feature: 'api-requests', gateway: 'kong', leave: ['orders-access'] },
          }}
        >
          Nobody is watched yet. An access policy ties a feature to the groups of a gateway that give access;
          customers that are entitled to it appear here.
        </Empty>
      ) : (
        <>
          <div className="list-bar">
            <SearchBox
              label="Search by customer"
              value={search ?? ''}
              onSearch={(text) => url.change({ search: text }, { replace: true })}
            />
          </div>
          <div className="board">
            <Column title="Out" statuses={['out']} count={counts.data?.out} {...columnProps} />
            <Column
              title="Pending or failing"
              statuses={['failing', 'pending']}
              count={counts.data && counts.data.pending + counts.data.failing}
              {...columnProps}
            />
            <Column title="In" statuses={['in']} count={counts.data?.in} {...columnProps} />
          </div>
        </>
      )}
      {isHolding && (
        <Sheet
          title={url.get('kind') === 'allow' ? 'Let a customer in' : 'Keep a customer out'}
          onClose={() => url.go('/access')}
        >
          <HoldForm
            customer={url.get('customer') ?? ''}
            feature={url.get('feature') ?? ''}
            kind={url.get('kind') === 'allow' ? 'allow' : 'hold'}
          />
        </Sheet>
      )}
    </Page>
  );
};

interface ColumnProps {
  title: string;
  statuses: readonly Status[];
  count: number | undefined;
  search: string | undefined;
  holds: readonly Hold[];
}

const Column = ({ title, statuses, count, search, holds }: ColumnProps) => {
  const [shown, setShown] = useState(firstShown);
  const ask = (status: Status | undefined) => ({ status, search, order: 'newest', limit: shown });
  const options = { everyMs: 10_000 };
  const first = useApi<StatesAnswer>(`${accessPath}/states`, ask(statuses[0]), options);
  const second = useApi<StatesAnswer>(`${accessPath}/states`, ask(statuses[1]), {
    ...options,
    isEnabled: statuses.length > 1,
  });
  const answers = [first.data, ...(statuses.length > 1 ? [second.data] : [])];
  const cards = answers.flatMap((answer) => answer?.items ?? []);
  const hasMore = answers.some((answer) => answer?.nextCursor);
  return (
    <section className="board-column" aria-label={title}>
      <h2 className="row-between">
        {title}
        <span className="soft">{count === undefined ? '' : quantityText(count)}</span>
      </h2>
      {first.isError && <Problem error={first.error} onRetry={() => void first.refetch()} />}
      {cards.length === 0 && !first.isLoading && <p className="soft small">Nobody.</p>}
      <ul className="stack-tight">
        {cards.map((card) => (
          <Card
            key={`${card.customerId} ${card.policyId}`}
            state={card}
            hold={holds.find(
              (hold) =>
                hold.customerId === card.customerId &&
                (hold.feature === card.feature || hold.feature === null),
            )}
          />
        ))}
      </ul>
      {hasMore && shown < mostShown && (
        <button
          type="button"
          className="button button-small"
          onClick={() => setShown(Math.min(mostShown, shown * 2))}
        >
          Show more
        </button>
      )}
      {hasMore && shown >= mostShown && <p className="soft small">Search to see others.</p>}
    </section>
  );
};

const tones = { in: 'in', out: 'out', pending: 'warned', failing: 'out' } as const;

const Card = ({ state, hold }: { state: AccessState; hold: Hold | undefined }) => {
  const { run } = useChange(accessPath);
  const name = state.customerKey ?? state.customerName;
  const target = `customer=${encodeURIComponent(state.customerKey ?? state.customerId)}&feature=${encodeURIComponent(state.feature)}`;
  const isOut = state.wanted === 'out';
  const endHold = async (): Promise<void> => {
    try {
      await run({ method: 'DELETE', path: `${accessPath}/holds/${hold!.id}` });
      tell(`The entitlement of ${name} decides again.`);
    } catch (error) {
      tellProblem(error);
    }
  };
  return (
    <li className="card">
      <div className="row-between">
        <Link
          className="break"
          href={`/customers/${encodeURIComponent(state.customerKey ?? state.customerId)}`}
        >
          <strong>{name}</strong>
        </Link>
        <Badge
          tone={tones[state.status]}
          {...(state.status === 'failing' ? { icon: 'warning' as const } : {})}
        >
          {state.status}
        </Badge>
      </div>
      <div className="soft small break">
        {state.feature} on {state.gatewayKey}
        {state.mode === 'observe' && ', observed only'}
      </div>
      <div className="small break">
        {hold ? `${hold.kind === 'hold' ? 'Held' : 'Let in'} by hand: ${hold.reason}` : causeText(state)}
        {state.since && (
          <>
            , <Time at={state.since} />
          </>
        )}
      </div>
      {state.wanted !== state.observed && state.wanted !== 'unmanaged' && (
        <div className="small">
          Wanted {state.wanted} ({reasonWords(state.reason)}), observed {state.observed}
        </div>
      )}
      {state.error && <div className="note note-problem small">{state.error}</div>}
      <div className="row">
        {hold ? (
          <button type="button" className="button button-small" onClick={() => void endHold()}>
            {hold.kind === 'hold' ? 'End the hold' : 'Stop letting in'}
          </button>
        ) : (
          <>
            {!isOut && (
              <Link
                className="button button-small"
                href={`/access/hold?kind=hold&${target}`}
                aria-label={`Keep out ${name}`}
              >
                Keep out
              </Link>
            )}
            {isOut && (
              <Link
                className="button button-small"
                href={`/access/hold?kind=allow&${target}`}
                aria-label={`Let in ${name}`}
              >
                Let in
              </Link>
            )}
          </>
        )}
        {hold?.endsAt && (
          <span className="soft small">
            ends <Time at={hold.endsAt} />
          </span>
        )}
      </div>
    </li>
  );
};

const causeText = ({ cause, status }: AccessState): string => {
  const words = causeWords(cause);
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  return status === 'pending' ? `Waits for the gateway (${words})` : sentence;
};
