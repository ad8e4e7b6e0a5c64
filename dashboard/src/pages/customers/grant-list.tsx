import { useApi, useChange } from '../../api/use-api';
import { quantityText } from '../../format/quantity';
import { intervalWords } from '../../format/time';
import { Badge } from '../../ui/badge';
import { ConfirmButton } from '../../ui/confirm-button';
import { Loaded } from '../../ui/loaded';
import { Section } from '../../ui/page';
import { Table } from '../../ui/table';
import { Time } from '../../ui/time';
import { tell } from '../../ui/toasts';
import { useNow } from '../../ui/use-now';
import { type Customer, customersPath } from './customer';
import { entitlementsPath, type Grant } from './entitlement';

const shown = 100;

export const GrantList = ({ customer, path }: { customer: Customer; path: string }) => {
  const now = useNow();
  const grants = useApi<{ items: Grant[]; totalCount: number }>(`${path}/grants`, {
    page: 1,
    pageSize: shown,
    orderBy: 'createdAt',
    order: 'DESC',
    includeDeleted: true,
  });
  const { run } = useChange(entitlementsPath(customer.id), `${customersPath}/${customer.id}/access`);
  return (
    <Section title="Grants">
      <Loaded query={grants}>
        {({ items, totalCount }) =>
          items.length === 0 ? (
            <p className="soft">No grant was added; what is issued each period is not listed here.</p>
          ) : (
            <>
              <Table<Grant>
                label="Grants"
                rows={items}
                keyOf={({ id }) => id}
                columns={[
                  { header: 'Amount', isNumber: true, render: ({ amount }) => quantityText(amount) },
                  { header: 'State', render: (grant) => <GrantState grant={grant} now={now} /> },
                  { header: 'Priority', isNumber: true, render: ({ priority }) => priority },
                  { header: 'Effective', render: ({ effectiveAt }) => <Time at={effectiveAt} /> },
                  {
                    header: 'Expires',
                    render: ({ expiresAt }) =>
                      expiresAt ? <Time at={expiresAt} /> : <span className="soft">never</span>,
                  },
                  {
                    header: 'Recurs',
                    render: ({ recurrence }) =>
                      recurrence ? (
                        `every ${intervalWords(recurrence.interval)}`
                      ) : (
                        <span className="soft">no</span>
                      ),
                  },
                  {
                    header: '',
                    render: (grant) =>
                      grant.voidedAt ? null : (
                        <ConfirmButton
                          label="Void"
                          className="button button-quiet button-small"
                          question={`Void the grant of ${quantityText(grant.amount)}? What it covered stays covered, the rest is taken back.`}
                          onConfirm={async () => {
                            await run({ method: 'DELETE', path: `/api/v1/grants/${grant.id}` });
                            tell('The grant is void.');
                          }}
                        />
                      ),
                  },
                ]}
              />
              {totalCount > shown && (
                <p className="soft">
                  The newest {shown} of {quantityText(totalCount)}.
                </p>
              )}
            </>
          )
        }
      </Loaded>
    </Section>
  );
};

const GrantState = ({ grant, now }: { grant: Grant; now: number }) => {
  if (grant.voidedAt) return <Badge>void</Badge>;
  if (grant.expiresAt && Date.parse(grant.expiresAt) <= now) return <Badge>expired</Badge>;
  if (Date.parse(grant.effectiveAt) > now) return <Badge tone="accent">to come</Badge>;
  return <Badge tone="in">in force</Badge>;
};
