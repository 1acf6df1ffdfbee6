import type { Observable } from 'rxjs';
import type { ClusterView } from '../cluster/cluster-view.interface.js';

/** Where the dashboard has from what all instances have written. */
export interface ClusterSource {
  readonly changes$: Observable<void>;
  view(): ClusterView;
  /** Keeps the view up to date until the result is called. */
  use(): () => void;
}
