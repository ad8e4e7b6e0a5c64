import { useMemo, useState } from 'react';
import { useApi } from '../../api/use-api';
import { Chart } from '../../chart/chart';
import { quantityText } from '../../format/quantity';
import { minuteText, viewerTimeZone } from '../../format/time';
import { SelectField } from '../../ui/fields';
import { Loaded } from '../../ui/loaded';
import { Section } from '../../ui/page';
import { burnDownOf, type History, historyWindow } from './burn-down';
import type { Entitlement, Grant } from './entitlement';

type Range = 'period' | '30d' | '90d';
const dayMs = 86_400_000;

const startOf = (range: Range, entitlement: Entitlement, now: number): number => {
  const from =
    range === 'period'
      ? Date.parse(entitlement.currentUsagePeriod?.from ?? entitlement.activeFrom)
      : now - (range === '30d' ? 30 : 90) * dayMs;
  return Math.max(from, Date.parse(entitlement.measureUsageFrom ?? entitlement.activeFrom));
};

/** How the balance burned down: what was left of each grant, on top of each other. */
export const BalanceHistory = ({ entitlement, path }: { entitlement: Entitlement; path: string }) => {
  const [range, setRange] = useState<Range>('period');
  const [openedAt] = useState(Date.now);
  const from = startOf(range, entitlement, openedAt);
  const history = useApi<History>(
    `${path}/history`,
    {
      windowSize: historyWindow(from, openedAt),
      windowTimeZone: viewerTimeZone(),
      from: new Date(from).toISOString(),
    },
    { everyMs: 15_000, isEnabled: openedAt > from },
  );
  const grants = useApi<{ items: Grant[] }>(`${path}/grants`, {
    page: 1,
    pageSize: 100,
    includeDeleted: true,
  });
  const burnDown = useMemo(() => (history.data ? burnDownOf(history.data) : undefined), [history.data]);
  const series = useMemo(
    () =>
      (burnDown?.grants ?? []).map(({ id, values }) => ({ label: nameOf(id, grants.data?.items), values })),
    [burnDown, grants.data],
  );
  return (
    <Section title="Burn-down">
      <div style={{ maxWidth: 220 }}>
        <SelectField<Range>
          label="Span"
          value={range}
          onChange={setRange}
          options={[
            { value: 'period', label: 'This period' },
            { value: '30d', label: 'Last 30 days' },
            { value: '90d', label: 'Last 90 days' },
          ]}
        />
      </div>
      <Loaded query={history}>
        {() =>
          burnDown && burnDown.grants.length > 0 ? (
            <Chart
              label={`What was left of the grants of ${entitlement.featureKey}`}
              kind="area"
              times={burnDown.times}
              series={series}
              height={200}
              describe={(index) => minuteText(burnDown.times[index]!)}
            />
          ) : (
            <p className="soft">No grant was in force in this span.</p>
          )
        }
      </Loaded>
    </Section>
  );
};

const nameOf = (id: string, grants: readonly Grant[] | undefined): string => {
  const grant = grants?.find((each) => each.id === id);
  return grant
    ? `${quantityText(grant.amount)} from ${minuteText(Date.parse(grant.effectiveAt))}`
    : `issued, ${id.slice(-6)}`;
};
