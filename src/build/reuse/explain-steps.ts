/** Finds the build that another one is compared with, to say why its steps ran anew. */
import type { GitLab } from '../../clients/gitlab.ts';
import type { Build, BuildStore } from '../../core/build.ts';
import type { BuildStep } from '../../core/build-step.ts';
import { contextSources, whyMissed } from './why.ts';

export interface WhyOptions {
  gitlab: Pick<GitLab, 'changes'>;
  builds: Pick<BuildStore, 'list'>;
}

/** How many builds back one is looked for. */
const recentBuilds = 100;

/** The steps of a build, with their reasons where these can be told; it never throws. */
export type Why = (build: Build, steps: BuildStep[]) => Promise<BuildStep[]>;

/** Asks GitLab once at most, for what changed between the two commits. */
export function createWhy({ gitlab, builds }: WhyOptions): Why {
  return async (build, steps) => {
    const missed = steps.filter(({ state }) => state === 'miss' || state === 'failed');
    if (missed.length === 0) return steps;
    if (build.noCache) return whyNoCache(steps);
    try {
      const { items } = await builds.list(build.project, { limit: recentBuilds });
      const previous = comparedWith(build, items);
      const copies = missed.some(({ title }) => contextSources(title) !== undefined);
      const changedPaths =
        previous && copies
          ? await gitlab.changes(build.project, previous.sha, build.sha).catch(() => undefined)
          : undefined;
      const context = build.plan?.context ?? '';
      return whyMissed({ steps, previousSteps: previous?.steps, changedPaths, context });
    } catch {
      // A reason is a courtesy, and the build is what counts.
      return steps;
    }
  };
}

function whyNoCache(steps: BuildStep[]): BuildStep[] {
  return steps.map((step) =>
    step.state === 'miss' ? { ...step, why: 'asked to run without the cache' } : step,
  );
}

/** The newest of the same ref that made an image step by step, else of what is in production. */
function comparedWith(build: Build, items: Build[]): Build | undefined {
  const others = items.filter(
    ({ id, state, steps }) => id !== build.id && state === 'succeeded' && steps !== undefined,
  );
  return (
    others.find(({ ref }) => ref === build.ref) ??
    others.find(({ plan }) => plan?.environments.includes('production'))
  );
}
