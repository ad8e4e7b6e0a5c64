import { useRef } from 'react';
import { Link } from 'wouter';
import { refresh } from '../../api/use-api';
import { quantityText } from '../../format/quantity';
import { useLiveStream } from '../../live/use-live-stream';
import { Badge, type Tone } from '../../ui/badge';
import { CopyAsCurl } from '../../ui/copy-button';
import { List } from '../../ui/list';
import { LiveMark } from '../../ui/live-mark';
import { Page } from '../../ui/page';
import type { Column } from '../../ui/table';
import { Tabs } from '../../ui/tabs';
import { Time } from '../../ui/time';
import { accessPath, accessTabs, causeWords, type LogEntry, reasonWords } from './access';

const outcomeTones: Record<LogEntry['outcome'], Tone> = {
  done: 'accent',
  already: 'neutral',
  failed: 'out',
  would: 'neutral',
};

const outcomeWords: Record<LogEntry['outcome'], string> = {
  done: 'done',
  already: 'was so already',
  failed: 'failed',
  would: 'observed only',
};

const columns: readonly Column<LogEntry>[] = [
  { header: 'When', render: ({ at }) => <Time at={at} /> },
  {
    header: 'Customer',
    render: ({ customerKey, customerId, consumer }) => (
      <>
        <Link href={`/customers/${encodeURIComponent(customerKey ?? customerId)}`}>
          {customerKey ?? customerId}
        </Link>
        {consumer && consumer !== customerKey && <div className="soft small">consumer {consumer}</div>}
      </>
    ),
  },
  { header: 'Access', render: ({ access }) => <Badge tone={access}>{access}</Badge> },
  {
    header: 'Outcome',
    render: ({ outcome }) => <Badge tone={outcomeTones[outcome]}>{outcomeWords[outcome]}</Badge>,
  },
  {
    header: 'Why',
    render: ({ cause, reason, feature }) => (
      <>
        {causeWords(cause)}
        <div className="soft small">
          {reasonWords(reason)}, {feature}
        </div>
      </>
    ),
  },
  {
    header: 'What the gateway did',
    render: ({ gatewayKey, changes, error }) => (
      <>
        {changes.map(({ group, action, answer }) => (
          <div key={group}>
            {action === 'add' ? 'into' : 'out of'} <span className="mono">{group}</span>{' '}
            <span className="soft small">
              {gatewayKey}: {answer}
            </span>
          </div>
        ))}
        {error && changes.length === 0 && error}
      </>
    ),
  },
  {
    header: 'Took',
    isNumber: true,
    render: ({ durationMs, callMs }) => (
      <span title={`of which the gateway's calls ${quantityText(callMs)} ms`}>
        {quantityText(durationMs)} ms
      </span>
    ),
  },
];

const all = { value: '', label: 'All outcomes' };

/** Every change of access, who or what caused it, and what Kong answered. */
export const LogPage = () => {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const state = useLiveStream(`${accessPath}/stream`, {
    onEvent: () => {
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        void refresh(`${accessPath}/log`);
      }, 500);
    },
  });
  return (
    <Page
      title="Access"
      lead={<LiveMark state={state} />}
      actions={<CopyAsCurl path={`${accessPath}/log`} />}
    >
      <Tabs label="Access" tabs={accessTabs} />
      <List<LogEntry>
        noun="entry"
        path={`${accessPath}/log`}
        paging="cursor"
        pageSize={50}
        search={{ name: 'search', label: 'Search by customer or consumer' }}
        filters={[
          {
            name: 'outcome',
            label: 'Outcome',
            options: [
              all,
              ...(['done', 'already', 'failed', 'would'] as const).map((value) => ({
                value,
                label: outcomeWords[value],
              })),
            ],
          },
          {
            name: 'cause',
            label: 'Cause',
            options: [
              { value: '', label: 'All causes' },
              ...['usage', 'reset', 'grant', 'hold', 'allow', 'policy', 'drift', 'sweep'].map((value) => ({
                value,
                label: causeWords(value),
              })),
            ],
          },
        ]}
        columns={columns}
        keyOf={({ id }) => id}
        empty={
          <p className="soft">
            Nothing was changed in a gateway yet. Every cut-off and every return will stand here, with its
            cause and with what Kong answered.
          </p>
        }
      />
    </Page>
  );
};
