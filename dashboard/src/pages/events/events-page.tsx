import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { Link } from 'wouter';
import { useApi } from '../../api/use-api';
import { quantityText } from '../../format/quantity';
import { clockText, exactTime } from '../../format/time';
import { useLiveStream } from '../../live/use-live-stream';
import { Badge } from '../../ui/badge';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { LiveMark } from '../../ui/live-mark';
import { Page } from '../../ui/page';
import { Problem } from '../../ui/problem';
import { Sheet } from '../../ui/sheet';
import { type Column, Table } from '../../ui/table';
import { useUrlState } from '../../ui/use-url-state';
import { EventFilters } from './event-filters';
import { EventSheet } from './event-sheet';
import {
  eventFilter,
  eventHref,
  eventsPath,
  type IngestedEvent,
  isRefused,
  type TailItem,
} from './ingested-event';
import { SendEventForm } from './send-event-form';
import { addToTail, emptyTail, type TailRow, withStored } from './tail-buffer';

interface Batch {
  items: TailItem[];
  passedOver: number;
}

interface StoredPage {
  items: IngestedEvent[];
  nextCursor?: string;
}

const storedLimit = 100;
const noErrorWords = `None of these ${storedLimit} stored events has an error; older ones may have, and new ones appear here.`;

export interface EventsPageProps {
  isSending?: boolean;
  open?: { source: string; id: string };
}

/** The live tail: the newest on top, above what was stored before the page was opened. */
export const EventsPage = ({ isSending = false, open }: EventsPageProps) => {
  const url = useUrlState();
  const subject = url.get('subject');
  const type = url.get('type');
  const onlyErrors = url.get('onlyErrors') === 'true';
  const cursor = url.get('cursor');
  const [isPaused, setPaused] = useState(false);
  const [tail, setTail] = useState(emptyTail);
  const isLive = !isPaused && cursor === undefined;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another question begins with an empty tail.
  useEffect(() => setTail(emptyTail), [subject, type, onlyErrors]);
  const state = useLiveStream('/api/v1/events/stream', {
    query: { subject, type, onlyErrors: onlyErrors ? 'true' : undefined },
    isOn: isLive,
    onEvent: ({ event, data }) => {
      if (event !== 'events') return;
      const batch = JSON.parse(data) as Batch;
      setTail((before) => addToTail(before, batch.items, batch.passedOver));
    },
  });
  const stored = useApi<StoredPage>(eventsPath, {
    limit: storedLimit,
    cursor,
    filter: eventFilter({ subject, type }),
  });
  const { refetch } = stored;
  const wasAway = useRef(false);
  // What came while the stream was paused or broken is among the stored events.
  useEffect(() => {
    if (state === 'paused' || state === 'reconnecting') wasAway.current = true;
    if (state !== 'live' || !wasAway.current) return;
    wasAway.current = false;
    setTail(emptyTail);
    void refetch();
  }, [state, refetch]);
  const rows = useMemo(() => {
    const items = (stored.data?.items ?? []).filter(
      (item) => !onlyErrors || item.validationError !== undefined,
    );
    return cursor === undefined ? withStored(tail, items) : withStored(emptyTail, items);
  }, [tail, stored.data, onlyErrors, cursor]);
  const isFiltered = subject !== undefined || type !== undefined || onlyErrors;
  const isNothing =
    stored.data?.items.length === 0 && rows.length === 0 && !isFiltered && cursor === undefined;

  const send = (
    <Link className="button button-primary" href={url.withSearch('/events/send')}>
      <Icon name="send" />
      Send a test event
    </Link>
  );
  return (
    <Page title="Events" lead="What comes in, and whether it counts." actions={send}>
      {isNothing ? (
        <NoEvents action={send} />
      ) : (
        <div className="stack-tight">
          <div className="row-between">
            <EventFilters />
            <div className="row">
              <LiveMark state={cursor === undefined ? state : 'paused'} />
              <button
                type="button"
                className="button"
                aria-pressed={isPaused}
                disabled={cursor !== undefined}
                onClick={() => setPaused(!isPaused)}
              >
                <Icon name={isPaused ? 'play' : 'pause'} />
                {isPaused ? 'Go on' : 'Pause'}
              </button>
            </div>
          </div>
          {tail.passedOver > 0 && (
            <p className="note">
              {quantityText(tail.passedOver)} more came than can be followed; they are counted and stored, and
              appear when the page is read again.
            </p>
          )}
          {stored.isError && <Problem error={stored.error} onRetry={() => void stored.refetch()} />}
          <Table<TailRow>
            label="Events"
            columns={columns}
            rows={rows}
            keyOf={({ key }) => key}
            hrefOf={({ item }) =>
              isRefused(item) ? url.withSearch('/events') : url.withSearch(eventHref(item.event))
            }
            isBusy={stored.isPlaceholderData}
          />
          {rows.length === 0 && !stored.isError && (
            <p className="soft" role="status">
              {stored.isPending ? 'Loading …' : onlyErrors ? noErrorWords : 'No event matches.'}
            </p>
          )}
          <div className="list-foot">
            <span>{quantityText(rows.length)} shown</span>
            <span className="row">
              {cursor !== undefined && (
                <button
                  type="button"
                  className="button button-small"
                  onClick={() => url.change({ cursor: undefined })}
                >
                  Back to the live tail
                </button>
              )}
              {stored.data?.nextCursor && (
                <button
                  type="button"
                  className="button button-small"
                  onClick={() => url.change({ cursor: stored.data.nextCursor })}
                >
                  Older
                  <Icon name="right" size={14} />
                </button>
              )}
            </span>
          </div>
        </div>
      )}
      {isSending && (
        <Sheet title="Send a test event" onClose={() => url.go('/events')}>
          <SendEventForm onDone={() => url.go('/events')} />
        </Sheet>
      )}
      {open && (
        <EventSheet
          key={eventHref(open)}
          source={open.source}
          id={open.id}
          onClose={() => url.go('/events')}
        />
      )}
    </Page>
  );
};

const NoEvents = ({ action }: { action: ReactNode }) => (
  <Empty
    action={action}
    curl={{
      method: 'POST',
      path: '/api/v1/events',
      contentType: 'application/cloudevents+json',
      body: {
        specversion: '1.0',
        id: 'event-1',
        source: 'curl',
        type: 'kong.api_request',
        subject: 'acme-inc',
        data: { route_name: 'orders' },
      },
    }}
  >
    No event has come yet. The Kong plugin sends one for every request of a consumer; send a test event to see
    where it goes.
  </Empty>
);

const Failure = ({ words }: { words: string }) => (
  <span className="failure">
    <Icon name="out" size={14} />
    {words}
  </span>
);

const columns: readonly Column<TailRow>[] = [
  {
    header: 'Happened',
    render: ({ item }) => {
      const at = Date.parse(isRefused(item) ? item.refused.at : item.event.time);
      const ingested = isRefused(item) ? '' : `, ingested ${exactTime(Date.parse(item.ingestedAt))}`;
      return (
        <time className="mono nowrap" dateTime={new Date(at).toISOString()} title={exactTime(at) + ingested}>
          {clockText(at)}
        </time>
      );
    },
  },
  {
    header: 'Type',
    render: ({ item }) =>
      isRefused(item) ? (
        <Badge tone="out">refused</Badge>
      ) : (
        <Link className="mono nowrap" href={eventHref(item.event)}>
          {item.event.type}
        </Link>
      ),
  },
  {
    header: 'Subject',
    render: ({ item }) => (isRefused(item) ? '' : <span className="mono">{item.event.subject}</span>),
  },
  {
    header: 'Counts',
    render: ({ item }) => {
      if (isRefused(item)) return <Failure words={item.refused.message} />;
      if (item.validationError) return <Failure words={item.validationError} />;
      if (item.isDuplicate) return <Badge>counted before</Badge>;
      return item.customerId ? <Badge tone="in">counted</Badge> : <Badge>counted, no customer</Badge>;
    },
  },
  {
    header: 'Data',
    render: ({ item }) =>
      isRefused(item) ? (
        ''
      ) : (
        <span className="mono soft one-line">{JSON.stringify(item.event.data ?? {})}</span>
      ),
  },
];
