/** The embedded engine as a process of its own: Marathon's REST API over one Docker host. */
export { readCredentials } from '../src/engine/api/basic-auth.ts';
export type { EngineOptions, RunningEngine } from '../src/engine/engine.ts';
export { startEngine } from '../src/engine/terms.ts';
