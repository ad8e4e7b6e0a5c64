import { Route, Switch } from 'wouter';
import { ChannelsPage } from './channels-page';
import { EventsPage } from './events-page';
import { RulesPage } from './rules-page';

/** /notifications, /notifications/events/{id}, /notifications/rules/{id}, /notifications/channels/{id} */
export const NotificationsSection = () => (
  <Switch>
    <Route path="/notifications">
      <EventsPage />
    </Route>
    <Route path="/notifications/events/:id">{({ id }) => <EventsPage eventId={id} />}</Route>
    <Route path="/notifications/rules/:id?">{({ id }) => <RulesPage ruleId={id} />}</Route>
    <Route path="/notifications/channels/:id?">{({ id }) => <ChannelsPage channelId={id} />}</Route>
  </Switch>
);
