import { useMemo } from 'react';
import { Link } from 'wouter';
import { useApi } from '../../api/use-api';
import { Chart } from '../../chart/chart';
import { quantityText } from '../../format/quantity';
import { minuteText } from '../../format/time';
import { Badge } from '../../ui/badge';
import { CopyAsCurl } from '../../ui/copy-button';
import { LiveMark } from '../../ui/live-mark';
import { Loaded } from '../../ui/loaded';
import { Page, Section, Tile, Tiles } from '../../ui/page';
import { Time } from '../../ui/time';
import { useNow } from '../../ui/use-now';
import { useActivities } from './activity-feed';
import { ClosestList } from './closest-list';
import { type GatewayGlance, type Overview, overviewPath, startOfToday } from './overview';

/** Is anyone wrongly out or in, is everything counted, who is near the end, what happened. */
export const OverviewPage = () => {
  const now = useNow();
  const since = startOfToday(now);
  const query = useApi<Overview>(overviewPath, { crossingsSince: since }, { everyMs: 5_000 });
  const activities = useActivities();
  return (
    <Page
      title="Overview"
      lead={<LiveMark state={activities.state} />}
      actions={<CopyAsCurl path={overviewPath} />}
    >
      <Loaded query={query}>
        {(overview) => (
          <>
            <Figures overview={overview} />
            <Section title="Traffic, events a minute">
              <TrafficLine overview={overview} />
            </Section>
          </>
        )}
      </Loaded>
      <div className="columns">
        <Section title="Closest to their limit">
          <ClosestList />
        </Section>
        <Section title="What happened">{activities.view}</Section>
      </div>
      <Loaded query={query}>{({ gateways }) => <Gateways gateways={gateways} />}</Loaded>
    </Page>
  );
};

const Figures = ({ overview }: { overview: Overview }) => {
  const { events, access, crossings, deliveries } = overview;
  const failing = deliveries.retrying + deliveries.failed;
  const waiting = access.pending + access.failing;
  return (
    <Tiles>
      <Tile
        label="Events a minute"
        value={quantityText(events.perMinute)}
        note="of the last minute"
        href="/events"
      />
      <Tile
        label="Customers cut off now"
        value={quantityText(access.customersOut)}
        note={
          waiting > 0
            ? `${quantityText(access.failing)} failing, ${quantityText(access.pending)} pending`
            : 'everyone is where they should be'
        }
        href="/access"
      />
      <Tile
        label="Crossings today"
        value={quantityText(crossings.count)}
        note="thresholds reached since midnight"
        href="/notifications"
      />
      <Tile
        label="Failing deliveries"
        value={quantityText(failing)}
        note={
          failing > 0
            ? `${quantityText(deliveries.retrying)} tried again, ${quantityText(deliveries.failed)} given up`
            : 'all notifications arrive'
        }
        href="/notifications?state=FAILED"
      />
    </Tiles>
  );
};

const minuteMs = 60_000;

const TrafficLine = ({ overview }: { overview: Overview }) => {
  const { minutes } = overview.events;
  const times = useMemo(() => minutes.map(({ from }) => Date.parse(from)), [minutes]);
  const series = useMemo(() => [{ label: 'Events', values: minutes.map(({ events }) => events) }], [minutes]);
  return (
    <Chart
      label="Events a minute of the last hour"
      kind="line"
      height={140}
      unit="event"
      times={times}
      series={series}
      describe={(index) =>
        `${minuteText(times[index]!)} to ${minuteText(times[index]! + minuteMs).slice(11)}`
      }
    />
  );
};

const gatewayTones = { healthy: 'in', failing: 'out', unknown: 'neutral' } as const;

const Gateways = ({ gateways }: { gateways: readonly GatewayGlance[] }) => (
  <Section title="Gateways">
    {gateways.length === 0 ? (
      <p className="soft">
        No gateway is known yet. <Link href="/settings/gateways/new">Add the first one</Link>.
      </p>
    ) : (
      <ul className="stack-tight" aria-label="Gateways">
        {gateways.map((gateway) => (
          <li key={gateway.id} className="row">
            <Badge tone={gatewayTones[gateway.status]}>{gateway.status}</Badge>
            <Link href={`/settings/gateways/${encodeURIComponent(gateway.key)}`}>{gateway.name}</Link>
            <span className="soft">
              {gateway.driver}
              {gateway.version && `, Kong ${gateway.version}`}
            </span>
            {gateway.error && <span className="break">{gateway.error}</span>}
            <span className="soft small">
              checked <Time at={gateway.checkedAt} />
            </span>
          </li>
        ))}
      </ul>
    )}
  </Section>
);
