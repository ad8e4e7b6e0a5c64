import { Route, Switch } from 'wouter';
import { EventsPage } from './events-page';

/** /events, /events/send, /events/{source}/{id} */
export const EventsSection = () => (
  <Switch>
    <Route path="/events">
      <EventsPage />
    </Route>
    <Route path="/events/send">
      <EventsPage isSending />
    </Route>
    <Route path="/events/:source/:id">
      {({ source, id }) => (
        <EventsPage open={{ source: decodeURIComponent(source), id: decodeURIComponent(id) }} />
      )}
    </Route>
  </Switch>
);
