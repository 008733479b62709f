/** Puts together what says why something fails, and what keeps the evidence of it. */
import type { NodeClient } from './clients/node.ts';
import { createCheckMemory } from './deploy/why/check-memory.ts';
import { createEvidenceCollector } from './deploy/why/evidence.ts';
import { createExplainer, type Explainer } from './deploy/why/explain.ts';
import { createFailures } from './deploy/why/failures.ts';
import type { Parts } from './parts.ts';

export interface Diagnosing {
  explainer: Explainer;
  /** Keeps the evidence of all that fails while this process leads, until `signal` aborts. */
  followFailures(signal: AbortSignal): Promise<void>;
}

export function createDiagnosing(
  { config: { install }, log, stores, dataCentres }: Parts,
  { witness, logFiles, metrics }: Pick<NodeClient, 'witness' | 'logFiles' | 'metrics'>,
): Diagnosing {
  const { deployments, evidence, releases, leases } = stores;
  const checks = createCheckMemory();
  const collector = createEvidenceCollector({
    witness,
    logFiles,
    metrics,
    releases,
    evidence,
    log,
  });
  const parts = { dataCentres, collector, checks, log };
  const follow = createFailures({ ...parts, install });
  return {
    explainer: createExplainer({ ...parts, deployments, evidence, witness }),
    followFailures: (signal) => leases.lead('failures', follow, signal),
  };
}
