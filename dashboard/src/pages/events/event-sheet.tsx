import { Link } from 'wouter';
import { useApi } from '../../api/use-api';
import { Badge } from '../../ui/badge';
import { Code, CopyAsCurl } from '../../ui/copy-button';
import { Loaded } from '../../ui/loaded';
import { Facts, Section } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import { ExactTime } from '../../ui/time';
import { type Customer, customerHref, customersPath } from '../customers/customer';
import { type Meter, meterHref, metersPath, meterWords } from '../meters/meter';
import { eventsPath, type IngestedEvent } from './ingested-event';

export interface EventSheetProps {
  source: string;
  id: string;
  onClose: () => void;
}

/** One event: the CloudEvent as it came, and what it counted towards, or why it did not. */
export const EventSheet = ({ source, id, onClose }: EventSheetProps) => {
  const asked = { filter: JSON.stringify({ id: { $eq: id }, source: { $eq: source } }), limit: 1 };
  const query = useApi<{ items: IngestedEvent[] }>(eventsPath, asked);
  return (
    <Sheet title={`Event ${id}`} onClose={onClose} actions={<CopyAsCurl path={eventsPath} query={asked} />}>
      <Loaded query={query}>
        {({ items: [item] }) =>
          item ? (
            <EventDetail item={item} />
          ) : (
            <p>There is no such event; it may be older than what is kept.</p>
          )
        }
      </Loaded>
    </Sheet>
  );
};

const EventDetail = ({ item }: { item: IngestedEvent }) => (
  <>
    {item.validationError && (
      <div className="note note-problem">
        <p>It is stored, and does not count:</p>
        <p>{item.validationError}</p>
      </div>
    )}
    <Facts
      facts={[
        ['Type', <code key="type">{item.event.type}</code>],
        ['Subject', <code key="subject">{item.event.subject}</code>],
        [
          'Customer',
          item.customerId ? <CustomerName key="customer" id={item.customerId} /> : 'none has this subject',
        ],
        ['Source', <code key="source">{item.event.source}</code>],
        ['Happened', <ExactTime key="time" at={item.event.time} />],
        ['Ingested', <ExactTime key="ingested" at={item.ingestedAt} />],
      ]}
    />
    {!item.validationError && <CountedTowards event={item} />}
    <Section title="CloudEvent">
      <Code what="CloudEvent" text={JSON.stringify(item.event, null, 2)} />
    </Section>
  </>
);

const CustomerName = ({ id }: { id: string }) => {
  const customer = useApi<Customer>(`${customersPath}/${encodeURIComponent(id)}`);
  return <Link href={customerHref(customer.data?.key ?? id)}>{customer.data?.name ?? id}</Link>;
};

const metersShown = 200;

/** The meters of the event's type: those that it counted towards, unless they were made to begin later. */
const CountedTowards = ({ event: { event } }: { event: IngestedEvent }) => {
  const meters = useApi<Meter[]>(metersPath, { page: 1, pageSize: metersShown });
  const subject = `subject=${encodeURIComponent(event.subject)}`;
  return (
    <Section title="Counted towards">
      <Loaded query={meters}>
        {(all) => {
          const counting = all.filter(
            ({ eventType, eventFrom }) =>
              eventType === event.type && (!eventFrom || Date.parse(eventFrom) <= Date.parse(event.time)),
          );
          if (counting.length === 0) return <p className="soft">No meter counts events of this type.</p>;
          return (
            <ul className="stack-tight">
              {counting.map((meter) => (
                <li key={meter.id} className="row">
                  <Link href={`${meterHref(meter.slug)}?${subject}`}>{meter.name}</Link>
                  <span className="soft">{meterWords(meter)}</span>
                  <Badge tone="in">counted</Badge>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Section>
  );
};
