import { Route, Switch } from 'wouter';
import { GatewaysPage } from './gateways-page';
import { PortalTokensPage } from './portal-tokens-page';
import { TokensPage } from './tokens-page';

/** /settings, /settings/tokens/new, /settings/portal, /settings/portal/new, /settings/gateways/{key} */
export const SettingsSection = () => (
  <Switch>
    <Route path="/settings">
      <TokensPage />
    </Route>
    <Route path="/settings/tokens/new">
      <TokensPage isCreating />
    </Route>
    <Route path="/settings/portal">
      <PortalTokensPage />
    </Route>
    <Route path="/settings/portal/new">
      <PortalTokensPage isCreating />
    </Route>
    <Route path="/settings/gateways/:key?">
      {({ key }) => <GatewaysPage gatewayKey={key === undefined ? undefined : decodeURIComponent(key)} />}
    </Route>
  </Switch>
);
