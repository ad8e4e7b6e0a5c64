import { Link, Route, Switch, useLocation } from 'wouter';
import { useApi, useChange } from '../../api/use-api';
import { ConfirmButton } from '../../ui/confirm-button';
import { CopyAsCurl, CopyAsYaml } from '../../ui/copy-button';
import { Loaded } from '../../ui/loaded';
import { Page } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import { Tabs } from '../../ui/tabs';
import { tell } from '../../ui/toasts';
import { type Customer, customerDeclaration, customerHref, customersPath } from './customer';
import { CustomerActivity } from './customer-activity';
import { CustomerBilling } from './customer-billing';
import { CustomerDetails } from './customer-details';
import { CustomerEntitlements } from './customer-entitlements';
import { CustomerForm } from './customer-form';
import { EntitlementSheet } from './entitlement-sheet';
import { NewEntitlementSheet } from './new-entitlement-sheet';
import { PreviewSheet } from './preview-sheet';
import { SubscribeSheet } from './subscribe-sheet';

export const CustomerPage = ({ keyOrId }: { keyOrId: string }) => {
  const query = useApi<Customer>(`${customersPath}/${encodeURIComponent(keyOrId)}`);
  const base = customerHref(keyOrId);
  return (
    <Page
      title={query.data?.name ?? keyOrId}
      lead={query.data && <code>{query.data.key ?? query.data.id}</code>}
      parent={{ label: 'Customers', href: '/customers' }}
      actions={query.data && <CustomerActions customer={query.data} base={base} />}
    >
      <Loaded query={query}>{(customer) => <CustomerTabs customer={customer} base={base} />}</Loaded>
    </Page>
  );
};

const CustomerActions = ({ customer, base }: { customer: Customer; base: string }) => {
  const [, navigate] = useLocation();
  const { run } = useChange(customersPath);
  return (
    <>
      <CopyAsCurl path={`${customersPath}/${customer.key ?? customer.id}`} />
      <CopyAsYaml value={() => customerDeclaration(customer)} />
      <Link className="button" href={`${base}/edit`}>
        Edit
      </Link>
      <ConfirmButton
        label="Delete"
        question={`Delete the customer ${customer.name}? Its entitlements end now, and with them its access.`}
        onConfirm={async () => {
          await run({ method: 'DELETE', path: `${customersPath}/${customer.id}` });
          tell(`Deleted the customer ${customer.name}.`);
          navigate('/customers');
        }}
      />
    </>
  );
};

const CustomerTabs = ({ customer, base }: { customer: Customer; base: string }) => {
  const [, navigate] = useLocation();
  const close = (to: string) => (): void => navigate(to);
  return (
    <>
      <Tabs
        label="Customer"
        tabs={[
          { label: 'Entitlements', href: base },
          { label: 'Billing', href: `${base}/billing` },
          { label: 'Activity', href: `${base}/activity` },
          { label: 'Details', href: `${base}/details` },
        ]}
      />
      <Switch>
        <Route path={`${base}/billing/*?`}>
          <CustomerBilling customer={customer} base={base} />
        </Route>
        <Route path={`${base}/activity`}>
          <CustomerActivity customer={customer} />
        </Route>
        <Route path={`${base}/details`}>
          <CustomerDetails customer={customer} />
        </Route>
        <Route>
          <CustomerEntitlements customer={customer} base={base} />
        </Route>
      </Switch>
      <Switch>
        <Route path={`${base}/edit`}>
          <Sheet title={`Edit ${customer.name}`} onClose={close(base)}>
            <CustomerForm customer={customer} onCancel={close(base)} />
          </Sheet>
        </Route>
        <Route path={`${base}/billing/preview`}>
          <PreviewSheet customer={customer} onClose={close(`${base}/billing`)} />
        </Route>
        <Route path={`${base}/billing/subscribe`}>
          <SubscribeSheet customer={customer} onClose={close(`${base}/billing`)} />
        </Route>
        <Route path={`${base}/entitlements/new`}>
          <NewEntitlementSheet customer={customer} onClose={close(base)} />
        </Route>
        <Route path={`${base}/entitlements/:feature`}>
          {({ feature }) => (
            <EntitlementSheet
              key={feature}
              customer={customer}
              featureKey={decodeURIComponent(feature)}
              onClose={close(base)}
            />
          )}
        </Route>
      </Switch>
    </>
  );
};
