import { Link } from 'wouter';
import { useApi } from '../../api/use-api';
import { Badge } from '../../ui/badge';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { List } from '../../ui/list';
import { Page } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import { Tabs } from '../../ui/tabs';
import { Time } from '../../ui/time';
import { useUrlState } from '../../ui/use-url-state';
import type { Gateway } from '../settings/gateway';
import { accessPath, accessTabs, type Policy } from './access';
import { PolicyForm } from './policy-form';

/** Which feature is which groups, on which gateway. */
export const PoliciesPage = ({ policyId }: { policyId?: string | undefined }) => {
  const url = useUrlState();
  const gateways = useApi<{ items: Gateway[] }>(`${accessPath}/gateways`);
  const policies = useApi<{ items: Policy[] }>(`${accessPath}/policies`);
  const gatewayOf = (id: string) => gateways.data?.items.find((gateway) => gateway.id === id);
  const opened = policies.data?.items.find(({ id }) => id === policyId);
  const create = (
    <Link className="button button-primary" href="/access/policies/new">
      <Icon name="plus" />
      New policy
    </Link>
  );
  return (
    <Page
      title="Access"
      lead="Consumers with access are in the groups to leave; without, they leave them and join others."
      actions={create}
    >
      <Tabs label="Access" tabs={accessTabs} />
      <List<Policy>
        noun="policy"
        path={`${accessPath}/policies`}
        queryOf={() => ({})}
        columns={[
          {
            header: 'Feature',
            render: ({ id, feature }) => <Link href={`/access/policies/${id}`}>{feature}</Link>,
          },
          { header: 'Gateway', render: ({ gateway }) => gatewayOf(gateway)?.name ?? gateway },
          { header: 'Leave without access', render: ({ leave }) => groups(leave) },
          { header: 'Join without access', render: ({ join }) => groups(join) },
          {
            header: 'Mode',
            render: ({ mode }) => <Badge tone={mode === 'enforce' ? 'accent' : 'neutral'}>{mode}</Badge>,
          },
          { header: 'Changed', render: ({ updatedAt }) => <Time at={updatedAt} /> },
        ]}
        keyOf={({ id }) => id}
        hrefOf={({ id }) => `/access/policies/${id}`}
        selectedKey={policyId}
        empty={
          <Empty
            action={create}
            curl={{
              method: 'POST',
              path: `${accessPath}/policies`,
              body: { feature: 'api-requests', gateway: 'kong', leave: ['orders-access'] },
            }}
          >
            There is no access policy yet. Without one nobody is ever cut off: usage is counted and told only.
          </Empty>
        }
      />
      {policyId !== undefined && (policyId === 'new' || opened) && (
        <Sheet
          title={opened ? `Policy of ${opened.feature}` : 'New policy'}
          onClose={() => url.go('/access/policies')}
        >
          <PolicyForm
            policy={opened}
            gateways={gateways.data?.items ?? []}
            onClose={() => url.go('/access/policies')}
          />
        </Sheet>
      )}
    </Page>
  );
};

const groups = (names: readonly string[]) =>
  names.length === 0 ? <span className="soft">–</span> : <span className="mono">{names.join(', ')}</span>;
