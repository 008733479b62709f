/** Every command of the command line, one file each; `--help` lists them in this order. */
import type { Command } from 'commander';
import { addDoctor } from './doctor.ts';
import { addEngine } from './engine.ts';
import { addExpand } from './expand.ts';
import { addHealth } from './health.ts';
import { addSchema } from './schema.ts';
import { addSettings } from './settings.ts';
import { addUp } from './up.ts';

/** Each adds itself; what takes long to load is imported when the command is run. */
export const commands: ((program: Command) => void)[] = [
  addUp,
  addEngine,
  addHealth,
  addSettings,
  addDoctor,
  addExpand,
  addSchema,
];
