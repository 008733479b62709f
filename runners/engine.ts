/** The embedded engine as a process of its own: Marathon's REST API over one Docker host. */
export { type EngineOptions, type RunningEngine, startEngine } from '../src/engine/engine.ts';
