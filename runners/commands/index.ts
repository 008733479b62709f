/** Every command of the command line, one file each; `--help` lists them in this order. */
import type { Command } from 'commander';
import { addBackup } from './backup.ts';
import { addBuilds } from './builds.ts';
import { addClean } from './clean.ts';
import { addCompletion } from './completion.ts';
import { addDeploy } from './deploy.ts';
import { addDoctor } from './doctor.ts';
import { addEngine } from './engine.ts';
import { addExpand } from './expand.ts';
import { addFragments } from './fragments.ts';
import { addHealth } from './health.ts';
import { addDisable, addEnable } from './hook.ts';
import { addLogs } from './logs.ts';
import { addRemove } from './remove.ts';
import { addCancel, addRetry } from './retry.ts';
import { addRollback } from './rollback.ts';
import { addRestart, addScale } from './scale.ts';
import { addSchema } from './schema.ts';
import { addSettings } from './settings.ts';
import { addStatus } from './status.ts';
import { addUp } from './up.ts';

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
  addBuilds,
  addLogs,
  addFragments,
  addDeploy,
  addRetry,
  addCancel,
  addRollback,
  addScale,
  addRestart,
  addEnable,
  addDisable,
  addRemove,
  addClean,
  addCompletion,
];
