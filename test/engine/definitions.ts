/** App definitions for the tables of the engine's pure parts. */
import { type App, normalizeApp } from '../../src/engine/apps/app-definition.ts';
import type { AppInput } from '../../src/engine/apps/app-schema.ts';

export const EARLY = '2026-01-01T00:00:00.000Z';
export const LATER = '2026-01-02T00:00:00.000Z';

/** A full definition of `input`, first made and last changed at `EARLY` unless said otherwise. */
export function appOf(input: AppInput, changedAt = EARLY): App {
  const full = normalizeApp({ cmd: 'sleep 1', ...input, id: input.id ?? '/web' });
  return {
    ...full,
    version: changedAt,
    versionInfo: { lastScalingAt: changedAt, lastConfigChangeAt: changedAt },
  };
}

export function byId(...apps: App[]): Map<string, App> {
  return new Map(apps.map((app) => [app.id, app]));
}
