import { Route, Switch } from 'wouter';
import { AccessBoard } from './access-board';
import { LogPage } from './log-page';
import { PoliciesPage } from './policies-page';

/** /access, /access/hold, /access/policies, /access/policies/{id}, /access/log */
export const AccessSection = () => (
  <Switch>
    <Route path="/access">
      <AccessBoard />
    </Route>
    <Route path="/access/hold">
      <AccessBoard isHolding />
    </Route>
    <Route path="/access/policies/:id?">{({ id }) => <PoliciesPage policyId={id} />}</Route>
    <Route path="/access/log">
      <LogPage />
    </Route>
  </Switch>
);
