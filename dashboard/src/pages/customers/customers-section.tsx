import { Route, Switch } from 'wouter';
import { CustomerPage } from './customer-page';
import { CustomersPage } from './customers-page';

/** /customers, /customers/new, /customers/{key}, and the customer's tabs and sheets under it */
export const CustomersSection = () => (
  <Switch>
    <Route path="/customers">
      <CustomersPage />
    </Route>
    <Route path="/customers/new">
      <CustomersPage isCreating />
    </Route>
    <Route path="/customers/:key/*?">
      {({ key }) => <CustomerPage key={key} keyOrId={decodeURIComponent(key)} />}
    </Route>
  </Switch>
);
