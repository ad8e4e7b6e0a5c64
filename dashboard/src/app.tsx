import { QueryClientProvider } from '@tanstack/react-query';
import { Suspense, useEffect } from 'react';
import { Link, Redirect, Route, Switch } from 'wouter';
import { queryClient } from './api/use-api';
import { sections } from './sections';
import { useSession } from './session/session';
import { SignIn } from './session/sign-in';
import { Shell } from './shell';
import { ErrorBoundary } from './ui/error-boundary';
import { Page } from './ui/page';
import { Toasts } from './ui/toasts';

const loading = (
  <p className="soft" role="status">
    Loading …
  </p>
);

const NotFound = () => (
  <Page title="There is no such page">
    <p>
      The address is not one of the dashboard. <Link href="/">Go to the first page</Link>.
    </p>
  </Page>
);

const Pages = () => (
  <Shell>
    <ErrorBoundary>
      <Suspense fallback={loading}>
        <Switch>
          {sections.map(({ path, component }) => (
            <Route key={path} path={path === '/' ? '/' : `${path}/*?`} component={component} />
          ))}
          <Route path="/">
            <Redirect to={sections[0]!.path} replace />
          </Route>
          <Route component={NotFound} />
        </Switch>
      </Suspense>
    </ErrorBoundary>
  </Shell>
);

/** The dashboard: signed in or not, then the section that the URL names. */
export const App = () => {
  const { session, ended } = useSession();
  // What one token could read is not for the next one.
  useEffect(() => {
    if (!session) queryClient.clear();
  }, [session]);
  return (
    <QueryClientProvider client={queryClient}>
      {session ? <Pages key={session.token} /> : <SignIn ended={ended} />}
      <Toasts />
    </QueryClientProvider>
  );
};
