import { Link } from 'wouter';
import { spanText } from '../../format/time';
import { Badge, type Tone } from '../../ui/badge';
import { List } from '../../ui/list';
import { ExactTime } from '../../ui/time';
import { type Customer, customerHref } from './customer';

interface Activity {
  id: string;
  at: string;
  kind: string;
  customerKey: string | null;
  feature: string;
  what: string;
  consequence: string | null;
  durationMs: number | null;
}

const tones: Record<string, Tone> = { warned: 'warned', cut_off: 'out', restored: 'in', reached: 'out' };

/** Crossings and changes of access, the newest first. */
export const CustomerActivity = ({ customer }: { customer: Customer }) => (
  <List<Activity>
    noun="entry"
    path="/api/v1/overview/activity"
    query={{ customer: customer.id }}
    paging="cursor"
    pageSize={50}
    everyMs={5_000}
    columns={[
      { header: 'At', render: ({ at }) => <ExactTime at={at} /> },
      {
        header: 'What',
        render: ({ kind }) => <Badge tone={tones[kind] ?? 'neutral'}>{kind.replaceAll('_', ' ')}</Badge>,
      },
      {
        header: 'In words',
        render: ({ what, consequence, durationMs }) => (
          <>
            {customer.key ?? customer.name} {what}
            {consequence && `; ${consequence}`}
            {durationMs !== null && !consequence?.includes(' ms') && (
              <span className="soft"> ({spanText(durationMs)})</span>
            )}
          </>
        ),
      },
      {
        header: 'Feature',
        render: ({ feature }) => (
          <Link
            href={`${customerHref(customer.key ?? customer.id)}/entitlements/${encodeURIComponent(feature)}`}
          >
            {feature}
          </Link>
        ),
      },
    ]}
    keyOf={({ id }) => id}
    empty={
      <p className="soft">
        Nothing has happened yet. Warnings, cut-offs and restored access of {customer.name} appear here.
      </p>
    }
  />
);
