/** What people set for environments, in Redis. */
import type { EnvironmentSettings, EnvironmentSettingsStore } from '../core/environment.ts';
import type { StoreOptions } from './builds.ts';

const unset: EnvironmentSettings = { autoDeploy: true };

export function createEnvironmentSettings({
  redis,
  prefix,
}: StoreOptions): EnvironmentSettingsStore {
  const key = (project: number) => `${prefix}:project:${project}:environment-settings`;

  return {
    async find(project, environment) {
      const text = await redis.hget(key(project), environment);
      return text === null ? unset : (JSON.parse(text) as EnvironmentSettings);
    },
    async save(project, environment, settings) {
      if (settings.autoDeploy && settings.freeze === undefined) {
        await redis.hdel(key(project), environment);
      } else {
        await redis.hset(key(project), environment, JSON.stringify(settings));
      }
    },
    async list(project) {
      const all = Object.entries(await redis.hgetall(key(project)));
      return new Map(all.map(([name, text]) => [name, JSON.parse(text) as EnvironmentSettings]));
    },
  };
}
