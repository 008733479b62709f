/** Every command of the command line, one file each; `--help` lists them in this order. */
import type { Command } from 'commander';
import { addBackup } from './backup.ts';
import { addBuilds } from './builds.ts';
import { addClean } from './clean.ts';
import { addCompletion } from './completion.ts';
import { addDc } from './dc.ts';
import { addDecide } from './decide.ts';
import { addDeploy } from './deploy.ts';
import { addDiff } from './diff.ts';
import { addDoctor } from './doctor.ts';
import { addEngine } from './engine.ts';
import { addAutoDeploy, addFreeze, addThaw } from './environment.ts';
import { addEvidence } from './evidence.ts';
import { addExpand } from './expand.ts';
import { addFragments } from './fragments.ts';
import { addHealth } from './health.ts';
import { addDisable, addEnable } from './hook.ts';
import { addJobs } from './jobs.ts';
import { addLogs } from './logs.ts';
import { addPlan } from './plan.ts';
import { addReleases } from './releases.ts';
import { addRemove } from './remove.ts';
import { addCancel, addRetry } from './retry.ts';
import { addRollback } from './rollback.ts';
import { addRun } from './run.ts';
import { addKill, addRestart, addResume, addScale, addSuspend } from './scale.ts';
import { addSchema } from './schema.ts';
import { addSettings } from './settings.ts';
import { addStatus } from './status.ts';
import { addUp } from './up.ts';
import { addWhy } from './why.ts';

/** Each adds itself; what takes long to load is imported when the command is run. */
export const commands: ((program: Command) => void)[] = [
  addUp,
  addEngine,
  addHealth,
  addBackup,
  addSettings,
  addDoctor,
  addExpand,
  addSchema,
  addStatus,
  addWhy,
  addEvidence,
  addBuilds,
  addLogs,
  addFragments,
  addDc,
  addDeploy,
  addRetry,
  addCancel,
  addDecide,
  addReleases,
  addDiff,
  addPlan,
  addRollback,
  addRun,
  addJobs,
  addScale,
  addKill,
  addSuspend,
  addResume,
  addRestart,
  addFreeze,
  addThaw,
  addAutoDeploy,
  addEnable,
  addDisable,
  addRemove,
  addClean,
  addCompletion,
];
