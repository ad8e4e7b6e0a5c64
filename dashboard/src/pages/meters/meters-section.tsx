import { Route, Switch } from 'wouter';
import { MeterPage } from './meter-page';
import { MetersPage } from './meters-page';

/** /meters, /meters/new, /meters/{slug}, /meters/{slug}/edit */
export const MetersSection = () => (
  <Switch>
    <Route path="/meters">
      <MetersPage />
    </Route>
    <Route path="/meters/new">
      <MetersPage isCreating />
    </Route>
    <Route path="/meters/:slug/edit">
      {({ slug }) => <MeterPage key={slug} slug={decodeURIComponent(slug)} isEditing />}
    </Route>
    <Route path="/meters/:slug">
      {({ slug }) => <MeterPage key={slug} slug={decodeURIComponent(slug)} />}
    </Route>
  </Switch>
);
