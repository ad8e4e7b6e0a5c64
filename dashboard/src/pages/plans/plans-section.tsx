import { Route, Switch } from 'wouter';
import { PlanEditorPage } from './plan-editor-page';
import { PlanPage } from './plan-page';
import { PlansPage } from './plans-page';

/** /plans, /plans/new, /plans/{id}, /plans/{id}/edit */
export const PlansSection = () => (
  <Switch>
    <Route path="/plans">
      <PlansPage />
    </Route>
    <Route path="/plans/new">
      <PlanEditorPage />
    </Route>
    <Route path="/plans/:id/edit">
      {({ id }) => <PlanEditorPage key={id} id={decodeURIComponent(id)} />}
    </Route>
    <Route path="/plans/:id">{({ id }) => <PlanPage key={id} id={decodeURIComponent(id)} />}</Route>
  </Switch>
);
