import { Component, type ReactNode } from 'react';
import { Problem } from './problem';

/** A page that fails says so and leaves the rail alive; opening another one clears it. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: unknown; path: string }> {
  override state = { error: undefined as unknown, path: '' };

  static getDerivedStateFromError(error: unknown) {
    return { error, path: location.pathname };
  }

  static getDerivedStateFromProps(_props: unknown, state: { error: unknown; path: string }) {
    return state.error !== undefined && state.path !== location.pathname
      ? { error: undefined, path: '' }
      : null;
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return (
      <div className="page">
        <h1>This page could not be shown</h1>
        {/* Most often a part of a dashboard that was replaced by a newer version meanwhile. */}
        <Problem error={this.state.error} onRetry={() => location.reload()} />
      </div>
    );
  }
}
