/** Plans a deployment: from the apps as they are to the apps as they shall be, in Marathon's steps. */
import { ApiError } from '../api/api-error.ts';
import type { App } from '../apps/app-definition.ts';
import { isWithin } from '../apps/app-id.ts';
import { ancestorsOf, type Root } from '../groups/group.ts';

export interface Action {
  action: 'StartApplication' | 'StopApplication' | 'ScaleApplication' | 'RestartApplication';
  app: string;
}

/** Actions of a step run beside each other, steps one after another. */
export interface Step {
  actions: Action[];
}

/**
 * Order of the steps: all stops, all starts (which do nothing, kept for clients), then one step for
 * each layer of dependencies. Apps that do not differ take part in no step. Marathon's
 * DeploymentPlan is the source of the rules.
 */
export function planSteps({ apps: original }: Pick<Root, 'apps'>, target: Root): Step[] {
  const stopped = [...original.keys()].filter((id) => !target.apps.has(id));
  const started = [...target.apps.keys()].filter((id) => !original.has(id));
  const steps: Step[] = [
    { actions: stopped.map((app) => ({ action: 'StopApplication', app })) },
    { actions: started.map((app) => ({ action: 'StartApplication', app })) },
  ];
  for (const layer of dependencyLayers(target)) {
    steps.push({ actions: layer.flatMap((app) => changeOf(original.get(app.id), app) ?? []) });
  }
  return steps.filter(({ actions }) => actions.length > 0);
}

/** The ids that a plan touches: the unit of locking. */
export function affectedApps(steps: Step[]): string[] {
  return [...new Set(steps.flatMap(({ actions }) => actions.map(({ app }) => app)))];
}

function changeOf(before: App | undefined, after: App): Action | undefined {
  const scale: Action = { action: 'ScaleApplication', app: after.id };
  if (!before) return scale;
  const changed = before.versionInfo.lastConfigChangeAt !== after.versionInfo.lastConfigChangeAt;
  if (changed) {
    return after.instances === 0 ? scale : { action: 'RestartApplication', app: after.id };
  }
  return before.instances === after.instances ? undefined : scale;
}

/** Apps grouped so that each comes after all that it depends on; throws 422 on a cycle. */
function dependencyLayers({ apps, groups }: Root): App[][] {
  const neededBy = dependencyReader({ apps, groups });
  const depths = new Map<string, number>();
  const depthOf = (app: App, path: string[]): number => {
    const known = depths.get(app.id);
    if (known !== undefined) return known;
    if (path.includes(app.id)) {
      throw new ApiError(422, 'Object is not valid', {
        details: [{ path: '/dependencies', errors: ['Dependency graph has cyclic dependencies.'] }],
      });
    }
    const below = neededBy(app).map((needed) => depthOf(needed, [...path, app.id]));
    const depth = below.length === 0 ? 0 : Math.max(...below) + 1;
    depths.set(app.id, depth);
    return depth;
  };
  const layers: App[][] = [];
  for (const app of apps.values()) {
    const depth = depthOf(app, []);
    const layer = layers[depth] ?? [];
    layer.push(app);
    layers[depth] = layer;
  }
  return layers.map((layer) => layer ?? []);
}

/**
 * A dependency names an app or a group, which stands for all apps in it. What a group depends on,
 * all apps in it depend on.
 */
function dependencyReader({ apps, groups }: Root): (app: App) => App[] {
  const known = new Map<string, App[]>();
  const within = (id: string): App[] => {
    const found = known.get(id) ?? [...apps.values()].filter((app) => isWithin(app.id, id));
    known.set(id, found);
    return found;
  };
  return (app) => {
    const own = (app.dependencies ?? []).flatMap(within).filter(({ id }) => id !== app.id);
    const inherited = ancestorsOf(app.id).flatMap((id) => groups.get(id)?.dependencies ?? []);
    return [...own, ...inherited.flatMap(within)];
  };
}
