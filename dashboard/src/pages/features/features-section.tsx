import { Route, Switch } from 'wouter';
import { FeaturesPage } from './features-page';

/** /features, /features/new, /features/{key} */
export const FeaturesSection = () => (
  <Switch>
    <Route path="/features">
      <FeaturesPage />
    </Route>
    <Route path="/features/new">
      <FeaturesPage isCreating />
    </Route>
    <Route path="/features/:key">{({ key }) => <FeaturesPage openKey={decodeURIComponent(key)} />}</Route>
  </Switch>
);
