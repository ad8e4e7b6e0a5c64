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
import { meterHref } from '../meters/meter';
import { type Feature, featureHref, featuresPath, filterWords } from './feature';
import { FeatureForm } from './feature-form';
import { FeatureSheet } from './feature-sheet';

const columns: readonly Column<Feature>[] = [
  {
    header: 'Feature',
    sort: 'key',
    render: (feature) => (
      <>
        <Link href={featureHref(feature.key)}>{feature.name}</Link>
        <div className="soft small mono">{feature.key}</div>
      </>
    ),
  },
  {
    header: 'Meter',
    render: ({ meterSlug }) =>
      meterSlug ? <Link href={meterHref(meterSlug)}>{meterSlug}</Link> : <span className="soft">none</span>,
  },
  {
    header: 'Counts only',
    render: ({ advancedMeterGroupByFilters: filters }) =>
      filters ? (
        Object.entries(filters)
          .map(([key, terms]) => filterWords(key, terms))
          .join(', ')
      ) : (
        <span className="soft">everything</span>
      ),
  },
  {
    header: 'State',
    render: ({ archivedAt }) => (archivedAt ? <Badge>archived</Badge> : <Badge tone="in">in use</Badge>),
  },
  { header: 'Created', sort: 'createdAt', render: ({ createdAt }) => <Time at={createdAt} /> },
];

const example = { key: 'api-requests', name: 'API requests', meterSlug: 'api_requests' };
const exampleCommand = `tollgate apply --file - <<'YAML'
features:
  api-requests:
    name: API requests
    meter: api_requests
YAML`;

export const FeaturesPage = ({ isCreating = false, openKey }: { isCreating?: boolean; openKey?: string }) => {
  const url = useUrlState();
  const close = (): void => url.go('/features');
  const create = (
    <Link className="button button-primary" href={url.withSearch('/features/new')}>
      <Icon name="plus" />
      New feature
    </Link>
  );
  return (
    <Page title="Features" lead="What customers are entitled to, and what is priced." actions={create}>
      <List<Feature>
        noun="feature"
        path={featuresPath}
        search={{ name: 'search', label: 'Search by name or key' }}
        filters={[
          {
            name: 'includeArchived',
            label: 'State',
            options: [
              { value: '', label: 'In use' },
              { value: 'true', label: 'Archived as well' },
            ],
          },
        ]}
        order={{ by: 'key', isDescending: false }}
        columns={columns}
        keyOf={({ id }) => id}
        hrefOf={({ key }) => featureHref(key)}
        empty={
          <Empty
            action={create}
            curl={{ method: 'POST', path: featuresPath, body: example }}
            command={exampleCommand}
          >
            There is no feature yet. A feature is what a customer may use or pay for: a meter, or a part of
            what a meter counts, under a name that plans, entitlements and access policies refer to.
          </Empty>
        }
      />
      {isCreating && (
        <Sheet title="New feature" onClose={close}>
          <FeatureForm onDone={close} />
        </Sheet>
      )}
      {openKey !== undefined && <FeatureSheet key={openKey} featureKey={openKey} onClose={close} />}
    </Page>
  );
};
