/** Releases of an environment as people look at them: what they were, and what a deployment would change. */
import type { CommitNote } from './commit.ts';
import type { DeploymentKind } from './deployment.ts';
import type { Strategy } from './manifest.ts';
import type { Page, Paging } from './page.ts';
import type { KeptRelease, NumberedBy, Standing } from './release.ts';
import type { ReleaseDiff } from './release-diff.ts';

/** A release of one service. */
export interface ServiceRelease extends KeptRelease {
  service: string;
  /** True where it runs now. */
  runs: boolean;
  /** How many of its instances left evidence. */
  evidence: number;
}

/** All that one push or one request released. */
export interface EnvironmentRelease {
  number: number;
  /** Bad where one service's is, else trying where one's is. */
  standing: Standing;
  createdAt: number;
  sha: string;
  /** Full ref. */
  ref: string;
  build: string;
  author?: string;
  /** Where GitLab tells it. */
  commit?: CommitNote;
  /** By name. */
  services: ServiceRelease[];
}

/** What is different between what an environment had at two numbers. */
export interface EnvironmentDiff {
  from: number;
  to: number;
  sha: { from: string; to: string };
  /** Commits that `to` brings, and those that it takes away, newest first; absent where GitLab does not tell. */
  commits?: { added: CommitNote[]; removed: CommitNote[] };
  /** Services that are not the same. */
  services: ReleaseDiff[];
}

/** What a deployment of one service would change. */
export interface PlannedService extends ReleaseDiff {
  app: string;
  kind: DeploymentKind;
  /** Instances that would be replaced by new ones, in each data centre. */
  restarts: number;
  /** Instances that there would be, in each data centre. */
  instances: number;
  strategy: Strategy;
  dataCentres: string[];
  warnings: string[];
}

export interface Plan {
  /** Why nothing would be deployed without an override, in one sentence. */
  held?: string;
  services: PlannedService[];
}

/** What would be deployed: an earlier release, the image of a build, or what runs once more. */
export interface WantedPlan extends NumberedBy {
  services?: string[];
  build?: string;
  release?: number;
  force?: boolean;
}

export interface ReleaseHistory {
  /** Newest first; the cursor is a number. */
  list(where: NumberedBy, paging: Paging): Promise<Page<EnvironmentRelease>>;
  find(where: NumberedBy, number: number): Promise<EnvironmentRelease | undefined>;
  /** @throws ConflictError where one of the two is not kept. */
  diff(where: NumberedBy, numbers: { from?: number; to?: number }): Promise<EnvironmentDiff>;
  /** Changes nothing. @throws EkidenError as the deployment would. */
  plan(wanted: WantedPlan): Promise<Plan>;
  /** Makes lost records again of what Marathon and GitLab know; answers how many. */
  rebuild(project?: number): Promise<number>;
}
