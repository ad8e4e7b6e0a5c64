import { useApi, useChange } from '../../api/use-api';
import { quantityText } from '../../format/quantity';
import { Badge } from '../../ui/badge';
import { Code, CopyAsCurl } from '../../ui/copy-button';
import { Loaded } from '../../ui/loaded';
import { Facts, Section } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import { Table } from '../../ui/table';
import { ExactTime, Time } from '../../ui/time';
import { tell, tellProblem } from '../../ui/toasts';
import { useUrlState } from '../../ui/use-url-state';
import {
  type Attempt,
  type Delivery,
  eventWords,
  type NotificationEvent,
  notificationPath,
  ruleTypeWords,
  stateTones,
} from './notification';

export interface EventSheetProps {
  id: string;
  /** The name of a channel by its id. */
  nameOf: (channelId: string) => string;
}

/** One event: what was sent, each attempt with what the receiver answered, and when the next one is. */
export const EventSheet = ({ id, nameOf }: EventSheetProps) => {
  const url = useUrlState();
  const path = `${notificationPath}/events/${id}`;
  const query = useApi<NotificationEvent>(path, {}, { everyMs: 2_000 });
  const { run, isRunning } = useChange(`${notificationPath}/events`);
  const resend = async (channels?: string[]): Promise<void> => {
    try {
      await run({ path: `${path}/resend`, body: channels ? { channels } : {} });
      tell('It is sent again, under the same webhook-id.');
    } catch (error) {
      tellProblem(error);
    }
  };
  return (
    <Sheet
      isWide
      title={query.data ? eventWords(query.data) : 'Event'}
      onClose={() => url.go('/notifications')}
      actions={
        <>
          <button
            type="button"
            className="button button-small"
            disabled={isRunning}
            onClick={() => void resend()}
          >
            Resend
          </button>
          <CopyAsCurl path={path} />
        </>
      }
    >
      <Loaded query={query}>
        {(event) => (
          <>
            <Facts
              facts={[
                ['Tells', ruleTypeWords[event.type]],
                ['Rule', event.rule.name],
                ['Created', <ExactTime key="created" at={event.createdAt} />],
                ['Id', <code key="id">{event.id}</code>],
              ]}
            />
            {event.deliveryStatus.map((delivery) => (
              <DeliverySection
                key={delivery.channel.id}
                delivery={delivery}
                name={nameOf(delivery.channel.id)}
                onResend={() => void resend([delivery.channel.id])}
              />
            ))}
            <Section title="Payload">
              <Code text={JSON.stringify(event.payload, undefined, 2)} what="payload" />
            </Section>
          </>
        )}
      </Loaded>
    </Sheet>
  );
};

interface DeliverySectionProps {
  delivery: Delivery;
  name: string;
  onResend: () => void;
}

const DeliverySection = ({ delivery, name, onResend }: DeliverySectionProps) => (
  <Section
    title={
      <span className="row">
        {name} <Badge tone={stateTones[delivery.state]}>{delivery.state}</Badge>
      </span>
    }
    actions={
      <button
        type="button"
        className="button button-small"
        aria-label={`Resend to ${name}`}
        onClick={onResend}
      >
        Resend
      </button>
    }
  >
    <p className="soft small">
      {delivery.reason && <>{delivery.reason}. </>}
      Changed <Time at={delivery.updatedAt} />.
      {delivery.nextAttempt && (
        <>
          {' '}
          Next attempt <Time at={delivery.nextAttempt} />.
        </>
      )}
    </p>
    {delivery.attempts.length === 0 ? (
      <p className="soft">No attempt yet.</p>
    ) : (
      <Table<Attempt>
        label={`Attempts to ${name}`}
        rows={delivery.attempts}
        keyOf={({ timestamp }) => timestamp}
        columns={[
          { header: 'At', render: ({ timestamp }) => <ExactTime at={timestamp} /> },
          { header: 'State', render: ({ state }) => <Badge tone={stateTones[state]}>{state}</Badge> },
          {
            header: 'Status',
            isNumber: true,
            render: ({ response }) => response.statusCode ?? <span className="soft">none</span>,
          },
          {
            header: 'Took',
            isNumber: true,
            render: ({ response }) => `${quantityText(response.durationMs)} ms`,
          },
          {
            header: 'Answer',
            render: ({ response }) =>
              response.body === '' ? (
                <span className="soft">empty</span>
              ) : (
                <code className="break">{response.body}</code>
              ),
          },
        ]}
      />
    )}
  </Section>
);
