import { Link } from 'wouter';
import { moneyText } from '../../format/quantity';
import { dateText } from '../../format/time';
import { Badge } from '../../ui/badge';
import { Empty } from '../../ui/empty';
import { List } from '../../ui/list';
import { Page } from '../../ui/page';
import type { Column } from '../../ui/table';
import { Time } from '../../ui/time';
import { useUrlState } from '../../ui/use-url-state';
import { customerHref } from '../customers/customer';
import {
  type Invoice,
  invoiceHref,
  invoiceName,
  invoiceStatuses,
  invoicesPath,
  invoiceTone,
  stateWords,
} from './invoice';
import { InvoiceSheet } from './invoice-sheet';

export const invoiceColumns: readonly Column<Invoice>[] = [
  {
    header: 'Invoice',
    render: (invoice) => <Link href={invoiceHref(invoice.id)}>{invoiceName(invoice)}</Link>,
  },
  {
    header: 'Status',
    sort: 'status',
    render: (invoice) => (
      <Badge tone={invoiceTone(invoice)}>{stateWords(invoice.statusDetails.extendedStatus)}</Badge>
    ),
  },
  {
    header: 'Period',
    sort: 'periodStart',
    render: ({ period }) =>
      period ? (
        <span className="nowrap">
          {dateText(Date.parse(period.from))} to {dateText(Date.parse(period.to))}
        </span>
      ) : (
        <span className="soft">–</span>
      ),
  },
  { header: 'Issued', sort: 'issuedAt', render: ({ issuedAt }) => <Time at={issuedAt} /> },
  {
    header: 'Total',
    isNumber: true,
    render: ({ totals, currency }) => <strong>{moneyText(totals.total, currency)}</strong>,
  },
];

const customerColumn: Column<Invoice> = {
  header: 'Customer',
  sort: 'customer.name',
  render: ({ customer }) => <Link href={customerHref(customer.key ?? customer.id)}>{customer.name}</Link>,
};

export const InvoicesPage = ({ openId }: { openId?: string }) => {
  const url = useUrlState();
  return (
    <Page title="Invoices" lead="What was billed, and what would be billed now.">
      <List<Invoice>
        noun="invoice"
        path={invoicesPath}
        filters={[
          {
            name: 'statuses',
            label: 'Status',
            options: [
              { value: '', label: 'Any status' },
              ...invoiceStatuses.map((value) => ({ value, label: value.replaceAll('_', ' ') })),
            ],
          },
        ]}
        order={{ by: 'createdAt', isDescending: true }}
        columns={[invoiceColumns[0]!, customerColumn, ...invoiceColumns.slice(1)]}
        keyOf={({ id }) => id}
        hrefOf={({ id }) => invoiceHref(id)}
        selectedKey={openId}
        empty={
          <Empty
            curl={{
              method: 'POST',
              path: '/api/v1/subscriptions',
              body: { customerKey: 'acme-inc', plan: { key: 'pro' } },
            }}
          >
            There is no invoice yet. Subscribe a <Link href="/customers">customer</Link> to a published{' '}
            <Link href="/plans">plan</Link>; its invoice begins to gather at once and can be previewed at any
            time.
          </Empty>
        }
      />
      {openId !== undefined && <InvoiceSheet key={openId} id={openId} onClose={() => url.go('/invoices')} />}
    </Page>
  );
};
