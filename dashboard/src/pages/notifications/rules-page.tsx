import { Link, useLocation } from 'wouter';
import { useApi, useChange } from '../../api/use-api';
import { Badge } from '../../ui/badge';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { List } from '../../ui/list';
import { Loaded } from '../../ui/loaded';
import { Page } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import type { Column } from '../../ui/table';
import { Tabs } from '../../ui/tabs';
import { tell, tellProblem } from '../../ui/toasts';
import { useUrlState } from '../../ui/use-url-state';
import { useChannels } from './events-page';
import {
  type NotificationEvent,
  notificationPath,
  notificationTabs,
  type Rule,
  ruleTypeWords,
  thresholdWords,
} from './notification';
import { RuleForm } from './rule-form';

const rulesPath = `${notificationPath}/rules`;

/** What is told, and where. */
export const RulesPage = ({ ruleId }: { ruleId?: string | undefined }) => {
  const url = useUrlState();
  const channels = useChannels();
  const test = useTest();
  const close = (): void => url.go('/notifications/rules');
  const create = (
    <Link className="button button-primary" href="/notifications/rules/new">
      <Icon name="plus" />
      New rule
    </Link>
  );
  const columns: readonly Column<Rule>[] = [
    { header: 'Rule', render: ({ id, name }) => <Link href={`/notifications/rules/${id}`}>{name}</Link> },
    {
      header: 'When',
      render: ({ type, thresholds }) => (
        <>
          {ruleTypeWords[type]}
          {thresholds && <div className="soft small">{thresholds.map(thresholdWords).join(', ')}</div>}
        </>
      ),
    },
    {
      header: 'Features',
      render: ({ features }) =>
        features?.map(({ key }) => key).join(', ') ?? <span className="soft">all</span>,
    },
    {
      header: 'Channels',
      render: (rule) =>
        rule.channels
          .map(({ id }) => channels.data?.items.find((channel) => channel.id === id)?.name ?? id)
          .join(', '),
    },
    {
      header: 'State',
      render: ({ disabled }) => (disabled ? <Badge>disabled</Badge> : <Badge tone="accent">enabled</Badge>),
    },
    {
      header: '',
      render: (rule) => (
        <button
          type="button"
          className="button button-small"
          aria-label={`Test ${rule.name}`}
          onClick={() => void test(rule)}
        >
          <Icon name="send" size={14} />
          Test
        </button>
      ),
    },
  ];
  return (
    <Page title="Notifications" lead="What is told, and over which channels." actions={create}>
      <Tabs label="Notifications" tabs={notificationTabs} />
      <List<Rule>
        noun="rule"
        path={rulesPath}
        query={{ includeDisabled: true }}
        order={{ by: 'createdAt', isDescending: true }}
        columns={columns}
        keyOf={({ id }) => id}
        hrefOf={({ id }) => `/notifications/rules/${id}`}
        selectedKey={ruleId}
        empty={
          <Empty
            action={create}
            curl={{
              method: 'POST',
              path: rulesPath,
              body: {
                type: 'entitlements.balance.threshold',
                name: 'allowance used',
                channels: ['<channel id>'],
                thresholds: [
                  { type: 'usage_percentage', value: 80 },
                  { type: 'usage_percentage', value: 100 },
                ],
              },
            }}
          >
            There is no rule yet. A rule says what is told: a customer at 80 % and at 100 % of an allowance,
            for instance.
          </Empty>
        }
      />
      {ruleId === 'new' && (
        <Sheet title="New rule" onClose={close}>
          <RuleForm channels={channels.data?.items ?? []} onClose={close} />
        </Sheet>
      )}
      {ruleId !== undefined && ruleId !== 'new' && <EditSheet key={ruleId} id={ruleId} onClose={close} />}
    </Page>
  );
};

const EditSheet = ({ id, onClose }: { id: string; onClose: () => void }) => {
  const query = useApi<Rule>(`${rulesPath}/${id}`);
  const channels = useChannels();
  return (
    <Sheet title={query.data?.name ?? 'Rule'} onClose={onClose}>
      <Loaded query={query}>
        {(rule) => <RuleForm rule={rule} channels={channels.data?.items ?? []} onClose={onClose} />}
      </Loaded>
    </Sheet>
  );
};

/** Sends a test event of a rule, and shows how that goes. */
const useTest = () => {
  const [, navigate] = useLocation();
  const { run } = useChange<NotificationEvent>(`${notificationPath}/events`);
  return async (rule: Rule): Promise<void> => {
    try {
      const event = await run({ path: `${rulesPath}/${rule.id}/test` });
      tell(`Sent a test of ${rule.name}.`);
      navigate(`/notifications/events/${event.id}`);
    } catch (error) {
      tellProblem(error);
    }
  };
};
