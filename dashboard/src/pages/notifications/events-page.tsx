import { Link } from 'wouter';
import { useApi } from '../../api/use-api';
import { Badge } from '../../ui/badge';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { List } from '../../ui/list';
import { Page } from '../../ui/page';
import type { Column } from '../../ui/table';
import { Tabs } from '../../ui/tabs';
import { Time } from '../../ui/time';
import { useUrlState } from '../../ui/use-url-state';
import { EventSheet } from './event-sheet';
import {
  type Channel,
  eventWords,
  type NotificationEvent,
  notificationPath,
  notificationTabs,
  ruleTypeWords,
  stateTones,
} from './notification';

/** Channels by id, for showing names. */
export const useChannels = () =>
  useApi<{ items: Channel[] }>(`${notificationPath}/channels`, {
    pageSize: 1_000,
    includeDisabled: true,
    includeDeleted: true,
  });

const states = ['PENDING', 'SENDING', 'SUCCESS', 'FAILED', 'RESENDING'] as const;

/** What was told, and how sending it went. */
export const EventsPage = ({ eventId }: { eventId?: string | undefined }) => {
  const url = useUrlState();
  const channels = useChannels();
  const nameOf = (id: string): string =>
    channels.data?.items.find((channel) => channel.id === id)?.name ?? 'a channel';
  const columns: readonly Column<NotificationEvent>[] = [
    {
      header: 'Event',
      render: (event) => (
        <>
          <Link href={url.withSearch(`/notifications/events/${event.id}`)}>{eventWords(event)}</Link>
          <div className="soft small">{ruleTypeWords[event.type]}</div>
        </>
      ),
    },
    { header: 'Rule', render: ({ rule }) => rule.name },
    {
      header: 'Deliveries',
      render: ({ deliveryStatus }) => (
        <span className="row">
          {deliveryStatus.map(({ channel, state }) => (
            <Badge key={channel.id} tone={stateTones[state]}>
              {state} {nameOf(channel.id)}
            </Badge>
          ))}
        </span>
      ),
    },
    {
      header: 'Attempts',
      isNumber: true,
      render: ({ deliveryStatus }) => deliveryStatus.reduce((sum, { attempts }) => sum + attempts.length, 0),
    },
    { header: 'Created', sort: 'createdAt', render: ({ createdAt }) => <Time at={createdAt} /> },
  ];
  return (
    <Page title="Notifications" lead="What was told, and how sending it went.">
      <Tabs label="Notifications" tabs={notificationTabs} />
      <List<NotificationEvent>
        noun="event"
        path={`${notificationPath}/events`}
        everyMs={5_000}
        search={{ name: 'subject', label: 'Subject, exactly' }}
        filters={[
          {
            name: 'state',
            label: 'Delivery state',
            options: [
              { value: '', label: 'All states' },
              ...states.map((value) => ({ value, label: value })),
            ],
          },
        ]}
        order={{ by: 'createdAt', isDescending: true }}
        columns={columns}
        keyOf={({ id }) => id}
        hrefOf={({ id }) => `/notifications/events/${id}`}
        selectedKey={eventId}
        empty={
          <Empty
            action={
              <Link className="button button-primary" href="/notifications/channels/new">
                <Icon name="plus" />
                New channel
              </Link>
            }
            curl={{
              method: 'POST',
              path: `${notificationPath}/channels`,
              body: { type: 'WEBHOOK', name: 'operations', url: 'https://example.com/tollgate' },
            }}
          >
            Nothing was told yet. A channel says where notifications go, a rule says what is told; both are
            needed.
          </Empty>
        }
      />
      {eventId !== undefined && <EventSheet id={eventId} nameOf={nameOf} />}
    </Page>
  );
};
