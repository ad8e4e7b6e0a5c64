import { Link } from 'wouter';
import { intervalWords } from '../../format/time';
import { Badge } from '../../ui/badge';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { List } from '../../ui/list';
import { Page } from '../../ui/page';
import type { Column } from '../../ui/table';
import { Time } from '../../ui/time';
import { type Plan, planHref, planStatuses, plansPath, planTones } from './plan';

const columns: readonly Column<Plan>[] = [
  {
    header: 'Plan',
    sort: 'key',
    render: (plan) => (
      <>
        <Link href={planHref(plan.id)}>{plan.name}</Link>
        <div className="soft small mono">{plan.key}</div>
      </>
    ),
  },
  { header: 'Version', sort: 'version', isNumber: true, render: ({ version }) => version },
  { header: 'Status', render: ({ status }) => <Badge tone={planTones[status]}>{status}</Badge> },
  {
    header: 'Billed',
    render: ({ currency, billingCadence }) => `every ${intervalWords(billingCadence)} in ${currency}`,
  },
  {
    header: 'Rate cards',
    isNumber: true,
    render: ({ phases }) => phases.reduce((sum, { rateCards }) => sum + rateCards.length, 0),
  },
  { header: 'Created', sort: 'created_at', render: ({ createdAt }) => <Time at={createdAt} /> },
];

const example = {
  key: 'per-seat',
  name: 'Per seat',
  currency: 'USD',
  billingCadence: 'P1M',
  phases: [
    {
      key: 'default',
      name: 'Default',
      duration: null,
      rateCards: [
        {
          type: 'usage_based',
          key: 'api-requests',
          name: 'API requests',
          featureKey: 'api-requests',
          billingCadence: 'P1M',
          price: { type: 'unit', amount: '0.05' },
        },
      ],
    },
  ],
};

export const PlansPage = () => {
  const create = (
    <Link className="button button-primary" href="/plans/new">
      <Icon name="plus" />
      New plan
    </Link>
  );
  return (
    <Page
      title="Plans"
      lead="What customers subscribe to: prices and what they are entitled to."
      actions={create}
    >
      <List<Plan>
        noun="plan"
        path={plansPath}
        search={{ name: 'search', label: 'Search by name or key' }}
        filters={[
          {
            name: 'status',
            label: 'Status',
            options: [
              { value: '', label: 'Any status' },
              ...planStatuses.map((value) => ({ value, label: value })),
            ],
          },
        ]}
        order={{ by: 'created_at', isDescending: true }}
        columns={columns}
        keyOf={({ id }) => id}
        hrefOf={({ id }) => planHref(id)}
        empty={
          <Empty action={create} curl={{ method: 'POST', path: plansPath, body: example }}>
            There is no plan yet. A plan prices features with rate cards and gives its subscribers their
            allowances. It begins as a draft and is in force once it is published.
          </Empty>
        }
      />
    </Page>
  );
};
