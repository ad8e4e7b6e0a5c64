import { useState } from 'react';
import { Link } from 'wouter';
import { useApi, useChange } from '../../api/use-api';
import { percentText, quantityText } from '../../format/quantity';
import { intervalWords } from '../../format/time';
import { Badge } from '../../ui/badge';
import { ConfirmButton } from '../../ui/confirm-button';
import { CopyAsCurl, CopyAsYaml } from '../../ui/copy-button';
import { Gauge } from '../../ui/gauge';
import { Loaded } from '../../ui/loaded';
import { Facts, Section, Tile, Tiles } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import { ExactTime, Time } from '../../ui/time';
import { tell } from '../../ui/toasts';
import { featureHref } from '../features/feature';
import { BalanceHistory } from './balance-history';
import { type Customer, customersPath } from './customer';
import { AccessBadge } from './customer-entitlements';
import { allowanceOf, type Entitlement, type EntitlementValue, entitlementsPath } from './entitlement';
import { EntitlementForm } from './entitlement-form';
import { GrantForm } from './grant-form';
import { GrantList } from './grant-list';
import { ResetForm } from './reset-form';

export interface EntitlementSheetProps {
  customer: Customer;
  featureKey: string;
  onClose: () => void;
}

type Open = 'grant' | 'reset' | 'override' | undefined;

/** One entitlement: what is left, how it burned down, its grants, and what can be done about it. */
export const EntitlementSheet = ({ customer, featureKey, onClose }: EntitlementSheetProps) => {
  const path = `${entitlementsPath(customer.id)}/${encodeURIComponent(featureKey)}`;
  const query = useApi<Entitlement>(path, {}, { everyMs: 10_000 });
  const value = useApi<EntitlementValue>(`${path}/value`, {}, { everyMs: 5_000 });
  return (
    <Sheet
      isWide
      title={`${featureKey} of ${customer.name}`}
      onClose={onClose}
      actions={
        query.data && (
          <>
            <AccessBadge value={value.data} />
            <CopyAsCurl path={`${path}/value`} />
            <CopyAsYaml value={() => entitlementDeclaration(customer, query.data)} />
          </>
        )
      }
    >
      <Loaded query={query}>
        {(entitlement) => (
          <EntitlementDetail
            customer={customer}
            entitlement={entitlement}
            value={value.data}
            path={path}
            onClose={onClose}
          />
        )}
      </Loaded>
    </Sheet>
  );
};

const entitlementDeclaration = (customer: Customer, entitlement: Entitlement) => ({
  customers: {
    [customer.key ?? customer.id]: {
      name: customer.name,
      entitlements: {
        [entitlement.featureKey]: {
          type: entitlement.type,
          ...(entitlement.type === 'static' ? { config: entitlement.config } : {}),
          ...(entitlement.usagePeriod ? { usagePeriod: { interval: entitlement.usagePeriod.interval } } : {}),
          ...(entitlement.issue
            ? {
                issueAfterReset: entitlement.issue.amount,
                issueAfterResetPriority: entitlement.issue.priority,
              }
            : {}),
          ...(entitlement.type === 'metered'
            ? {
                isSoftLimit: entitlement.isSoftLimit,
                preserveOverageAtReset: entitlement.preserveOverageAtReset,
              }
            : {}),
        },
      },
    },
  },
});

interface EntitlementDetailProps {
  customer: Customer;
  entitlement: Entitlement;
  value: EntitlementValue | undefined;
  path: string;
  onClose: () => void;
}

const EntitlementDetail = ({ customer, entitlement, value, path, onClose }: EntitlementDetailProps) => {
  const [open, setOpen] = useState<Open>();
  const { run } = useChange(entitlementsPath(customer.id), `${customersPath}/${customer.id}/access`);
  const isMetered = entitlement.type === 'metered';
  const done = (): void => setOpen(undefined);
  return (
    <>
      {isMetered && value && <Balance entitlement={entitlement} value={value} customer={customer} />}
      <div className="row">
        {isMetered && (
          <>
            <button type="button" className="button button-primary" onClick={() => setOpen('grant')}>
              Add grant
            </button>
            <button type="button" className="button" onClick={() => setOpen('reset')}>
              Reset usage
            </button>
          </>
        )}
        <button type="button" className="button" onClick={() => setOpen('override')}>
          Override
        </button>
        <ConfirmButton
          label="End now"
          question={`End the entitlement to ${entitlement.featureKey} of ${customer.name} now? Access ends with it.`}
          onConfirm={async () => {
            await run({ method: 'DELETE', path });
            tell(`Ended ${entitlement.featureKey} of ${customer.name}.`);
            onClose();
          }}
        />
      </div>
      {open === 'grant' && <GrantForm customer={customer} path={path} onDone={done} />}
      {open === 'reset' && <ResetForm customer={customer} path={path} onDone={done} />}
      {open === 'override' && (
        <div className="group">
          <h3>Put a new entitlement in its place</h3>
          <EntitlementForm customer={customer} replaced={entitlement} onDone={done} />
        </div>
      )}
      {isMetered && <BalanceHistory entitlement={entitlement} path={path} />}
      {isMetered && <GrantList customer={customer} path={path} />}
      <Section title="Details">
        <Facts
          facts={[
            [
              'Feature',
              <Link key="feature" href={featureHref(entitlement.featureKey)}>
                {entitlement.featureKey}
              </Link>,
            ],
            ['Type', entitlement.type],
            ['Configuration', entitlement.config && <code key="config">{entitlement.config}</code>],
            [
              'Limit',
              isMetered &&
                (entitlement.isSoftLimit ? 'soft: access stays beyond it' : 'hard: access ends at it'),
            ],
            [
              'Issued each period',
              entitlement.issue &&
                `${quantityText(entitlement.issue.amount)}, priority ${entitlement.issue.priority}`,
            ],
            [
              'Period',
              entitlement.usagePeriod && (
                <span key="period">
                  every {intervalWords(entitlement.usagePeriod.interval)} from{' '}
                  <ExactTime at={entitlement.usagePeriod.anchor} />
                </span>
              ),
            ],
            ['Overage at reset', isMetered && (entitlement.preserveOverageAtReset ? 'kept' : 'forgotten')],
            ['Last reset', entitlement.lastReset && <Time key="reset" at={entitlement.lastReset} />],
            [
              'Managed by',
              entitlement.annotations?.['subscription.id'] ? (
                <Badge key="managed">its subscription</Badge>
              ) : undefined,
            ],
            ['Id', <code key="id">{entitlement.id}</code>],
            ['Active from', <ExactTime key="from" at={entitlement.activeFrom} />],
            ['Active until', entitlement.activeTo && <ExactTime key="to" at={entitlement.activeTo} />],
          ]}
        />
      </Section>
    </>
  );
};

const Balance = ({
  entitlement,
  value,
  customer,
}: {
  entitlement: Entitlement;
  value: EntitlementValue;
  customer: Customer;
}) => {
  const { usage = 0, balance = 0, overage = 0 } = value;
  const allowance = allowanceOf(value);
  return (
    <div className="stack-tight">
      <Tiles>
        <Tile label="Used" value={quantityText(usage)} note={percentText(usage, allowance)} />
        <Tile label="Left" value={quantityText(balance)} note={`of ${quantityText(allowance)}`} />
        <Tile
          label={overage > 0 ? 'Overage' : 'Period ends'}
          value={overage > 0 ? quantityText(overage) : <Time at={entitlement.currentUsagePeriod?.to} />}
          note={
            overage > 0 && (
              <>
                resets <Time at={entitlement.currentUsagePeriod?.to} />
              </>
            )
          }
        />
      </Tiles>
      <Gauge used={usage} allowed={allowance} label={`${entitlement.featureKey} of ${customer.name}`} />
    </div>
  );
};
