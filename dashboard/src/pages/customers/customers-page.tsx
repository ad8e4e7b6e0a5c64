import { Link } from 'wouter';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { List } from '../../ui/list';
import { Page } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import type { Column } from '../../ui/table';
import { Time } from '../../ui/time';
import { useUrlState } from '../../ui/use-url-state';
import { type Customer, customerHref, customersPath } from './customer';
import { CustomerForm } from './customer-form';

const shownSubjects = 3;

const columns: readonly Column<Customer>[] = [
  {
    header: 'Customer',
    sort: 'name',
    render: (customer) => (
      <>
        <Link href={customerHref(customer.key ?? customer.id)}>{customer.name}</Link>
        <div className="soft small mono">{customer.key ?? customer.id}</div>
      </>
    ),
  },
  {
    header: 'Subjects',
    render: ({ usageAttribution: { subjectKeys } }) =>
      subjectKeys.length === 0 ? (
        <span className="soft">its key</span>
      ) : (
        <span className="mono">
          {subjectKeys.slice(0, shownSubjects).join(', ')}
          {subjectKeys.length > shownSubjects && (
            <span className="soft"> and {subjectKeys.length - shownSubjects} more</span>
          )}
        </span>
      ),
  },
  { header: 'E-mail', render: ({ primaryEmail }) => primaryEmail ?? <span className="soft">–</span> },
  { header: 'Created', sort: 'createdAt', render: ({ createdAt }) => <Time at={createdAt} /> },
];

const example = { key: 'acme-inc', name: 'Acme Inc', usageAttribution: { subjectKeys: ['acme-inc'] } };
const exampleCommand = `tollgate apply --file - <<'YAML'
customers:
  acme-inc:
    name: Acme Inc
YAML`;

export const CustomersPage = ({ isCreating = false }: { isCreating?: boolean }) => {
  const url = useUrlState();
  const create = (
    <Link className="button button-primary" href={url.withSearch('/customers/new')}>
      <Icon name="plus" />
      New customer
    </Link>
  );
  return (
    <Page title="Customers" lead="Who uses what, and what they may use." actions={create}>
      <List<Customer>
        noun="customer"
        path={customersPath}
        search={{ name: 'search', label: 'Search by name, key or subject' }}
        order={{ by: 'name', isDescending: false }}
        columns={columns}
        keyOf={({ id }) => id}
        hrefOf={({ key, id }) => customerHref(key ?? id)}
        empty={
          <Empty
            action={create}
            curl={{ method: 'POST', path: customersPath, body: example }}
            command={exampleCommand}
          >
            There is no customer yet. A customer owns the subjects of events: its key counts as one, so a
            customer whose key is the username of a Kong consumer is metered at once.
          </Empty>
        }
      />
      {isCreating && (
        <Sheet title="New customer" onClose={() => url.go('/customers')}>
          <CustomerForm onCancel={() => url.go('/customers')} />
        </Sheet>
      )}
    </Page>
  );
};
