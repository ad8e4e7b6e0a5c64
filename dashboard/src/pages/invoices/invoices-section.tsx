import { Route, Switch } from 'wouter';
import { InvoicesPage } from './invoices-page';

/** /invoices, /invoices/{id} */
export const InvoicesSection = () => (
  <Switch>
    <Route path="/invoices">
      <InvoicesPage />
    </Route>
    <Route path="/invoices/:id">{({ id }) => <InvoicesPage openId={decodeURIComponent(id)} />}</Route>
  </Switch>
);
