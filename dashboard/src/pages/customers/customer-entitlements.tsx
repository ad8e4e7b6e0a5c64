import { Link } from 'wouter';
import { useApi } from '../../api/use-api';
import { percentText, quantityText } from '../../format/quantity';
import { Badge } from '../../ui/badge';
import { Empty } from '../../ui/empty';
import { Gauge, toneOfUsage } from '../../ui/gauge';
import { Icon } from '../../ui/icon';
import { List } from '../../ui/list';
import { Section } from '../../ui/page';
import { Time } from '../../ui/time';
import { type Customer, customersPath } from './customer';
import {
  allowanceOf,
  type Entitlement,
  type EntitlementValue,
  entitlementHref,
  entitlementsPath,
} from './entitlement';

interface Values {
  entitlements: Record<string, EntitlementValue>;
}

const refreshMs = 5_000;

/** What the customer may use, each with its gauge. */
export const CustomerEntitlements = ({ customer, base }: { customer: Customer; base: string }) => {
  const key = customer.key ?? customer.id;
  const values = useApi<Values>(
    `${customersPath}/${encodeURIComponent(customer.id)}/access`,
    {},
    { everyMs: refreshMs },
  );
  const create = (
    <Link className="button button-small" href={`${base}/entitlements/new`}>
      <Icon name="plus" size={14} />
      New entitlement
    </Link>
  );
  return (
    <Section title="Entitlements" actions={create}>
      <List<Entitlement>
        noun="entitlement"
        path={entitlementsPath(customer.id)}
        everyMs={refreshMs}
        columns={[
          {
            header: 'Feature',
            render: ({ featureKey }) => <Link href={entitlementHref(key, featureKey)}>{featureKey}</Link>,
          },
          {
            header: 'Access',
            render: ({ featureKey }) => <AccessBadge value={values.data?.entitlements[featureKey]} />,
          },
          {
            header: 'Used of allowed',
            render: (entitlement) => (
              <UsedOfAllowed
                entitlement={entitlement}
                value={values.data?.entitlements[entitlement.featureKey]}
                customerName={customer.name}
              />
            ),
          },
          {
            header: 'Left',
            isNumber: true,
            render: ({ featureKey }) => {
              const balance = values.data?.entitlements[featureKey]?.balance;
              return balance === undefined ? '' : quantityText(balance);
            },
          },
          {
            header: 'Period ends',
            render: ({ currentUsagePeriod }) =>
              currentUsagePeriod ? <Time at={currentUsagePeriod.to} /> : '',
          },
        ]}
        keyOf={({ id }) => id}
        hrefOf={({ featureKey }) => entitlementHref(key, featureKey)}
        empty={
          <Empty
            action={
              <>
                <Link className="button button-primary" href={`${base}/entitlements/new`}>
                  <Icon name="plus" />
                  New entitlement
                </Link>
                <Link className="button" href={`${base}/billing/subscribe`}>
                  Subscribe to a plan
                </Link>
              </>
            }
            curl={{
              method: 'POST',
              path: entitlementsPath(key),
              body: {
                type: 'metered',
                featureKey: 'api-requests',
                issueAfterReset: 1000,
                usagePeriod: { interval: 'MONTH' },
              },
            }}
          >
            {customer.name} is entitled to nothing yet. Give it an allowance of a feature, or subscribe it to
            a plan that does.
          </Empty>
        }
      />
    </Section>
  );
};

export const AccessBadge = ({ value }: { value: EntitlementValue | undefined }) => {
  if (!value) return null;
  if (!value.hasAccess) return <Badge tone="out">out</Badge>;
  if (value.usage === undefined) return <Badge tone="in">in</Badge>;
  const tone = toneOfUsage(value.usage, allowanceOf(value));
  return tone === 'in' ? <Badge tone="in">in</Badge> : <Badge tone="warned">in, near its limit</Badge>;
};

interface UsedOfAllowedProps {
  entitlement: Entitlement;
  value: EntitlementValue | undefined;
  customerName: string;
}

const UsedOfAllowed = ({ entitlement, value, customerName }: UsedOfAllowedProps) => {
  if (entitlement.type === 'boolean') return <span className="soft">on</span>;
  if (entitlement.type === 'static') return <code>{entitlement.config}</code>;
  if (value?.usage === undefined) return <span className="soft">…</span>;
  const allowance = allowanceOf(value);
  return (
    <div style={{ minWidth: 160 }}>
      <div className="row-between small">
        <span>
          {quantityText(value.usage)} <span className="soft">of {quantityText(allowance)}</span>
        </span>
        <span className="soft">{percentText(value.usage, allowance)}</span>
      </div>
      <Gauge used={value.usage} allowed={allowance} label={`${entitlement.featureKey} of ${customerName}`} />
    </div>
  );
};
