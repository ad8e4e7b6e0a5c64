import { Component, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { Problem } from './problem';

interface BoundaryProps {
  path: string;
  children: ReactNode;
}

interface BoundaryState {
  error: unknown;
  failedPath: string;
}

class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { error: undefined, failedPath: '' };

  static getDerivedStateFromError(error: unknown): Partial<BoundaryState> {
    return { error };
  }

  static getDerivedStateFromProps(
    { path }: BoundaryProps,
    state: BoundaryState,
  ): Partial<BoundaryState> | null {
    if (state.error === undefined) return { failedPath: path };
    return state.failedPath === path ? null : { error: undefined, failedPath: path };
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

/** A page that fails says so and leaves the rail alive; going to another one clears it. */
export const ErrorBoundary = ({ children }: { children: ReactNode }) => {
  const [path] = useLocation();
  return <Boundary path={path}>{children}</Boundary>;
};
