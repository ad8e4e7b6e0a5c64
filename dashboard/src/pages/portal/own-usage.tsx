import { useMemo, useState } from 'react';
import { useApi } from '../../api/use-api';
import { Chart } from '../../chart/chart';
import { quantityText } from '../../format/quantity';
import { minuteText, viewerTimeZone } from '../../format/time';
import { SelectField } from '../../ui/fields';
import { Loaded } from '../../ui/loaded';
import { type PortalMeter, portalPath } from './portal';

interface UsageAnswer {
  data: { value: number; windowStart: string; windowEnd: string }[];
}

const dayMs = 86_400_000;

const spans = {
  day: { label: 'The last 24 hours', ms: dayMs, windowSize: 'HOUR' },
  week: { label: 'The last 7 days', ms: 7 * dayMs, windowSize: 'DAY' },
  month: { label: 'The last 31 days', ms: 31 * dayMs, windowSize: 'DAY' },
} as const;
type Span = keyof typeof spans;

/** Whether its windows add up to what was used in all. */
const isAdditive = ({ aggregation }: PortalMeter): boolean =>
  aggregation === 'COUNT' || aggregation === 'SUM';

export const OwnUsage = ({ meters }: { meters: readonly PortalMeter[] }) => {
  const [slug, setSlug] = useState(() => (meters.find(isAdditive) ?? meters[0])?.slug ?? '');
  const [span, setSpan] = useState<Span>('day');
  const [openedAt] = useState(Date.now);
  const meter = meters.find((one) => one.slug === slug);
  if (!meter) return <p className="soft">There is nothing to read.</p>;
  return (
    <div className="stack-tight">
      <div className="fields-2">
        <SelectField
          label="Meter"
          value={slug}
          onChange={setSlug}
          options={meters.map((one) => ({ value: one.slug, label: one.name }))}
        />
        <SelectField<Span>
          label="Span"
          value={span}
          onChange={setSpan}
          options={(Object.keys(spans) as Span[]).map((value) => ({ value, label: spans[value].label }))}
        />
      </div>
      <UsageChart key={`${slug} ${span}`} meter={meter} span={span} openedAt={openedAt} />
    </div>
  );
};

interface UsageChartProps {
  meter: PortalMeter;
  span: Span;
  openedAt: number;
}

const UsageChart = ({ meter, span, openedAt }: UsageChartProps) => {
  const { ms, windowSize, label } = spans[span];
  const from = openedAt - ms;
  const zone = viewerTimeZone();
  const query = useApi<UsageAnswer>(
    `${portalPath}/meters/${encodeURIComponent(meter.slug)}/query`,
    { from: new Date(from).toISOString(), windowSize, windowTimeZone: zone },
    { everyMs: 10_000 },
  );
  const rows = query.data?.data;
  const times = useMemo(() => (rows ?? []).map(({ windowStart }) => Date.parse(windowStart)), [rows]);
  const series = useMemo(
    () => [{ label: meter.name, values: (rows ?? []).map(({ value }) => value) }],
    [rows, meter.name],
  );
  const total = (rows ?? []).reduce((sum, { value }) => sum + value, 0);
  return (
    <Loaded query={query}>
      {({ data }) =>
        data.length === 0 ? (
          <p className="soft">No usage in this span.</p>
        ) : (
          <>
            {isAdditive(meter) && (
              <p>
                <strong>{quantityText(total)}</strong>{' '}
                <span className="soft">in all, {label.toLowerCase()}</span>
              </p>
            )}
            <Chart
              label={`${meter.name}, ${label.toLowerCase()}`}
              kind={isAdditive(meter) ? 'bars' : 'line'}
              times={times}
              series={series}
              range={[from, openedAt]}
              describe={(index) =>
                `${minuteText(times[index]!, zone)} to ${minuteText(Date.parse(data[index]!.windowEnd), zone)}`
              }
            />
          </>
        )
      }
    </Loaded>
  );
};
