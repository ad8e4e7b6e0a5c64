import { QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense, useEffect } from 'react';
import { Link, Route, Switch } from 'wouter';
import { queryClient } from './api/use-api';
import { sections } from './sections';
import { type Session, useSession } from './session/session';
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
          <Route component={NotFound} />
        </Switch>
      </Suspense>
    </ErrorBoundary>
  </Shell>
);

const Portal = lazy(async () => ({ default: (await import('./pages/portal/portal-app')).PortalApp }));

/** What the session's token may see: everything, or what is its customer's own. */
const Signed = ({ session }: { session: Session }) =>
  session.kind === 'portal' ? (
    <ErrorBoundary>
      <Suspense fallback={loading}>
        <Portal />
      </Suspense>
    </ErrorBoundary>
  ) : (
    <Pages />
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
      {session ? <Signed key={session.token} session={session} /> : <SignIn ended={ended} />}
      <Toasts />
    </QueryClientProvider>
  );
};
