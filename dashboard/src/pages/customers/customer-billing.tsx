import { useState } from 'react';
import { Link } from 'wouter';
import { useApi, useChange } from '../../api/use-api';
import { moneyText } from '../../format/quantity';
import { intervalWords } from '../../format/time';
import { Badge } from '../../ui/badge';
import { Icon } from '../../ui/icon';
import { List } from '../../ui/list';
import { Loaded } from '../../ui/loaded';
import { Section, Tile, Tiles } from '../../ui/page';
import { Table } from '../../ui/table';
import { Time } from '../../ui/time';
import { tell, tellProblem } from '../../ui/toasts';
import { type Invoice, invoiceHref, invoicesPath } from '../invoices/invoice';
import { invoiceColumns } from '../invoices/invoices-page';
import { planHref } from '../plans/plan';
import type { Customer } from './customer';
import { type Subscription, subscriptionsOf, subscriptionsPath, subscriptionTones } from './subscription';
import { CancelForm, ChangePlanForm } from './subscription-forms';

/** The customer's plan, what its next invoice comes to, and the invoices before. */
export const CustomerBilling = ({ customer, base }: { customer: Customer; base: string }) => {
  const gathering = useApi<{ items: Invoice[] }>(
    invoicesPath,
    { customers: [customer.id], statuses: ['gathering'], page: 1, pageSize: 10 },
    { everyMs: 10_000 },
  );
  return (
    <>
      <Section
        title="Next invoice"
        actions={
          <Link className="button button-primary button-small" href={`${base}/billing/preview`}>
            Preview Invoice
          </Link>
        }
      >
        <Loaded query={gathering}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="soft">Nothing gathers yet: a subscription to a priced plan begins it.</p>
            ) : (
              <Tiles>
                {items.map((invoice) => (
                  <Tile
                    key={invoice.id}
                    label="If its period ended now"
                    value={moneyText(invoice.totals.total, invoice.currency)}
                    note={
                      invoice.period && (
                        <>
                          period ends <Time at={invoice.period.to} />
                        </>
                      )
                    }
                    href={`${base}/billing/preview`}
                  />
                ))}
              </Tiles>
            )
          }
        </Loaded>
      </Section>
      <Subscriptions customer={customer} base={base} />
      <Section title="Invoices">
        <List<Invoice>
          noun="invoice"
          path={invoicesPath}
          query={{ customers: [customer.id] }}
          order={{ by: 'createdAt', isDescending: true }}
          columns={invoiceColumns}
          keyOf={({ id }) => id}
          hrefOf={({ id }) => invoiceHref(id)}
          empty={<p className="soft">{customer.name} has no invoice yet.</p>}
        />
      </Section>
    </>
  );
};

const Subscriptions = ({ customer, base }: { customer: Customer; base: string }) => {
  const query = useApi<{ items: Subscription[] }>(subscriptionsOf(customer.id), {
    page: 1,
    pageSize: 50,
    orderBy: 'activeFrom',
    order: 'DESC',
  });
  const [open, setOpen] = useState<{ id: string; form: 'change' | 'cancel' }>();
  const subscribe = (
    <Link className="button button-small" href={`${base}/billing/subscribe`}>
      <Icon name="plus" size={14} />
      Subscribe to a plan
    </Link>
  );
  return (
    <Section title="Subscription" actions={subscribe}>
      <Loaded query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="soft">{customer.name} is subscribed to no plan.</p>
          ) : (
            <>
              <Table<Subscription>
                label="Subscriptions"
                rows={items}
                keyOf={({ id }) => id}
                columns={[
                  {
                    header: 'Plan',
                    render: ({ plan, name }) => (
                      <Link href={planHref(plan.id)}>
                        {name}, version {plan.version}
                      </Link>
                    ),
                  },
                  {
                    header: 'Status',
                    render: ({ status }) => <Badge tone={subscriptionTones[status]}>{status}</Badge>,
                  },
                  {
                    header: 'Billed',
                    render: ({ billingCadence, currency }) =>
                      `every ${intervalWords(billingCadence)} in ${currency}`,
                  },
                  { header: 'From', render: ({ activeFrom }) => <Time at={activeFrom} /> },
                  {
                    header: 'Until',
                    render: ({ activeTo }) =>
                      activeTo ? <Time at={activeTo} /> : <span className="soft">open</span>,
                  },
                  {
                    header: '',
                    render: (subscription) => (
                      <SubscriptionActions
                        customer={customer}
                        subscription={subscription}
                        onOpen={(form) => setOpen({ id: subscription.id, form })}
                      />
                    ),
                  },
                ]}
              />
              {open?.form === 'change' && (
                <ChangePlanForm
                  customer={customer}
                  subscriptionId={open.id}
                  onDone={() => setOpen(undefined)}
                />
              )}
              {open?.form === 'cancel' && (
                <CancelForm customer={customer} subscriptionId={open.id} onDone={() => setOpen(undefined)} />
              )}
            </>
          )
        }
      </Loaded>
    </Section>
  );
};

interface SubscriptionActionsProps {
  customer: Customer;
  subscription: Subscription;
  onOpen: (form: 'change' | 'cancel') => void;
}

const SubscriptionActions = ({ customer, subscription, onOpen }: SubscriptionActionsProps) => {
  const { run, isRunning } = useChange(subscriptionsOf(customer.id), invoicesPath);
  if (subscription.status === 'inactive') return null;
  return (
    <div className="row">
      <button type="button" className="button button-small" onClick={() => onOpen('change')}>
        Change plan
      </button>
      {subscription.status === 'canceled' ? (
        <button
          type="button"
          className="button button-small"
          disabled={isRunning}
          onClick={async () => {
            try {
              await run({ path: `${subscriptionsPath}/${subscription.id}/unschedule-cancelation` });
              tell(`${subscription.name} goes on.`);
            } catch (error) {
              tellProblem(error);
            }
          }}
        >
          Do not cancel
        </button>
      ) : (
        <button type="button" className="button button-small" onClick={() => onOpen('cancel')}>
          Cancel
        </button>
      )}
    </div>
  );
};
