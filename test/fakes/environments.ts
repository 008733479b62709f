/** Settings of environments in memory. */
import type { EnvironmentSettings, EnvironmentSettingsStore } from '../../src/core/environment.ts';

export function createFakeEnvironmentSettings(): EnvironmentSettingsStore {
  const all = new Map<number, Map<string, EnvironmentSettings>>();
  const of = (project: number) => all.get(project) ?? new Map<string, EnvironmentSettings>();

  return {
    find: async (project, environment) => of(project).get(environment) ?? { autoDeploy: true },
    async save(project, environment, settings) {
      const changed = new Map(of(project));
      if (settings.autoDeploy && settings.freeze === undefined) changed.delete(environment);
      else changed.set(environment, settings);
      all.set(project, changed);
    },
    list: async (project) => new Map(of(project)),
  };
}
