import { Link } from 'wouter';
import { Badge } from '../../ui/badge';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { List } from '../../ui/list';
import { Page } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import type { Column } from '../../ui/table';
import { Time } from '../../ui/time';
import { useUrlState } from '../../ui/use-url-state';
import { type Meter, meterHref, metersPath } from './meter';
import { MeterForm } from './meter-form';

const columns: readonly Column<Meter>[] = [
  {
    header: 'Meter',
    sort: 'key',
    render: (meter) => (
      <>
        <Link href={meterHref(meter.slug)}>{meter.name}</Link>
        <div className="soft small mono">{meter.slug}</div>
      </>
    ),
  },
  { header: 'Aggregation', sort: 'aggregation', render: ({ aggregation }) => <Badge>{aggregation}</Badge> },
  {
    header: 'Event type',
    render: ({ eventType, valueProperty }) => (
      <span className="mono">
        {eventType}
        {valueProperty && <span className="soft"> {valueProperty}</span>}
      </span>
    ),
  },
  {
    header: 'Group by',
    render: ({ groupBy }) => (groupBy ? Object.keys(groupBy).join(', ') : <span className="soft">–</span>),
  },
  { header: 'Created', sort: 'createdAt', render: ({ createdAt }) => <Time at={createdAt} /> },
];

const example = {
  slug: 'api_requests',
  name: 'API requests',
  aggregation: 'COUNT',
  eventType: 'kong.api_request',
  groupBy: { route_name: '$.route_name' },
};

const exampleCommand = `tollgate apply --file - <<'YAML'
meters:
  api_requests:
    name: API requests
    eventType: kong.api_request
    aggregation: COUNT
    groupBy: { route_name: $.route_name }
YAML`;

export const MetersPage = ({ isCreating = false }: { isCreating?: boolean }) => {
  const url = useUrlState();
  const create = (
    <Link className="button button-primary" href={url.withSearch('/meters/new')}>
      <Icon name="plus" />
      New meter
    </Link>
  );
  return (
    <Page title="Meters" lead="What is counted, of which events." actions={create}>
      <List<Meter, Meter[]>
        noun="meter"
        path={metersPath}
        search={{ name: 'search', label: 'Search by name or slug' }}
        order={{ by: 'key', isDescending: false }}
        read={(items) => ({ items })}
        columns={columns}
        keyOf={({ id }) => id}
        hrefOf={({ slug }) => meterHref(slug)}
        empty={
          <Empty
            action={create}
            curl={{ method: 'POST', path: metersPath, body: example }}
            command={exampleCommand}
          >
            There is no meter yet. A meter says what is counted: the Kong plugin sends one kong.api_request
            for every request of a consumer, so a meter that counts those is the place to begin.
          </Empty>
        }
      />
      {isCreating && (
        <Sheet title="New meter" onClose={() => url.go('/meters')}>
          <MeterForm onCancel={() => url.go('/meters')} />
        </Sheet>
      )}
    </Page>
  );
};
